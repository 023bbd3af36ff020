import type { RoutingConfig } from '../core/config.js';
import type { Confusion, RoutingEvaluation } from './evaluation.js';
import { WANTED_EXAMPLES } from './profile-weaknesses.js';

/** One thing to do about routing that goes wrong; `text` is for people. */
export interface RoutingAdvice {
  readonly kind:
    | 'confused'
    | 'refused'
    | 'routed-out-of-scope'
    | 'unexplained'
    | 'few-examples'
    | 'threshold'
    | 'untested'
    | 'no-out-of-scope';
  readonly text: string;
  /** The services it is about. */
  readonly services: readonly string[];
}

/** Pairs of services, and services, that are named. */
const MAX_PAIRS = 5;
const MAX_NAMED = 10;

/** A better threshold is told when it gains this much on this many tasks of each kind. */
const WORTH_TELLING = 0.02;
const LEAST_TASKS = 20;

type Figures = Omit<RoutingEvaluation, 'advice'>;

/** What to add or change, the most telling first. */
export function adviseOn(
  figures: Figures,
  { useCapabilityMatching }: Pick<RoutingConfig, 'useCapabilityMatching'>,
): RoutingAdvice[] {
  return [
    ...figures.confusions.slice(0, MAX_PAIRS).map(adviseOnConfusion),
    ...adviseOnUnexplained(figures),
    ...(useCapabilityMatching ? adviseOnExamples(figures) : []),
    ...adviseOnThreshold(figures),
    ...adviseOnLabels(figures),
  ];
}

function adviseOnConfusion({ expected, got, tasks, terms, sample }: Confusion): RoutingAdvice {
  const by = terms.length === 0 ? '' : `, by ${terms.map((term) => `"${term}"`).join(', ')}`;
  const such = `for instance "${sample}"`;
  if (expected === null) {
    const text = `${countOf(tasks)} that belong${tasks === 1 ? 's' : ''} to no service went to "${got}"${by}: ${such}. Make its keywords phrases, or its examples narrower.`;
    return { kind: 'routed-out-of-scope', text, services: got === null ? [] : [got] };
  }
  if (got === null) {
    const text = `${countOf(tasks)} of "${expected}" ${tasks === 1 ? 'was' : 'were'} refused: ${such}. Add tasks like these to its examples, or what they have in common to its keywords.`;
    return { kind: 'refused', text, services: [expected] };
  }
  const text = `${countOf(tasks)} of "${expected}" went to "${got}"${by}: ${such}. Add examples with these words to "${expected}", or take them away from "${got}".`;
  return { kind: 'confused', text, services: [expected, got] };
}

function adviseOnUnexplained({ unexplained: { tasks, samples } }: Figures): RoutingAdvice[] {
  const [sample] = samples;
  if (sample === undefined) return [];
  const text = `${countOf(tasks)} that no service explains at all: for instance "${sample}". Their words stand in no description, keyword or example; add such tasks to the examples of their services.`;
  return [{ kind: 'unexplained', text, services: [] }];
}

/** Of services whose tasks all came right, few examples are enough. */
function adviseOnExamples({ services }: Figures): RoutingAdvice[] {
  return services
    .filter(({ examples, recall }) => examples < WANTED_EXAMPLES && recall !== null && recall < 1)
    .sort((a, b) => (a.recall as number) - (b.recall as number))
    .slice(0, MAX_NAMED)
    .map(({ service, examples, recall }) => ({
      kind: 'few-examples',
      text: `"${service}" has ${examples} example${examples === 1 ? '' : 's'} and gets ${percent(recall)} of its tasks: give it ${WANTED_EXAMPLES} or more.`,
      services: [service],
    }));
}

function adviseOnThreshold(figures: Figures): RoutingAdvice[] {
  const { bestThreshold: best, confidenceThreshold, withService, outOfScope } = figures;
  if (best === null || Math.min(withService.tasks, outOfScope.tasks) < LEAST_TASKS) return [];
  const right = withService.right / withService.tasks;
  const refused = outOfScope.refused / outOfScope.tasks;
  const gain = ((best.right ?? 0) + (best.refused ?? 0) - right - refused) / 2;
  if (gain < WORTH_TELLING) return [];
  const text = `A confidenceThreshold of ${best.threshold} instead of ${confidenceThreshold} would send ${percent(best.right)} of the tasks right instead of ${percent(right)}, and refuse ${percent(best.refused)} of those out of scope instead of ${percent(refused)}; evaluate again with it.`;
  return [{ kind: 'threshold', text, services: [] }];
}

/** What the labelled tasks themselves lack. */
function adviseOnLabels({ services, outOfScope }: Figures): RoutingAdvice[] {
  const untested = services.filter(({ tasks }) => tasks === 0).map(({ service }) => service);
  const named = untested.slice(0, MAX_NAMED).map((name) => `"${name}"`);
  const more = untested.length > named.length ? ` and ${untested.length - named.length} more` : '';
  const advice: RoutingAdvice[] = [];
  if (untested.length > 0) {
    const text = `No labelled task belongs to ${named.join(', ')}${more}: add some, or nothing is known of it.`;
    advice.push({ kind: 'untested', text, services: untested });
  }
  if (outOfScope.tasks === 0) {
    const text =
      'No labelled task is out of scope: add tasks with "service": null, or the figures say nothing of wrong guesses.';
    advice.push({ kind: 'no-out-of-scope', text, services: [] });
  }
  return advice;
}

function countOf(tasks: number): string {
  return `${tasks} task${tasks === 1 ? '' : 's'}`;
}

function percent(share: number | null): string {
  return share === null ? 'none' : `${(share * 100).toFixed(0)} %`;
}
