import { misuse, tooFewExamples, unknownService } from '../core/errors.js';
import type { ServiceProfile } from '../core/route.js';
import type { TrainingJob } from '../strategies/learned-training.js';

/** Fewest examples and corrections of a service: with fewer, centroids are right more often. */
const MIN_EXAMPLES = 20;

/** What there is to learn from. */
export interface Lessons {
  readonly profiles: ReadonlyMap<string, ServiceProfile>;
  /** Service by task. */
  readonly corrections: ReadonlyMap<string, string>;
  /** Services to learn; undefined for all that are trusted or have corrections. */
  readonly services: readonly string[] | undefined;
  readonly seed: number;
}

/**
 * Gathers the texts of each service. A profile that is not trusted contributes its name alone, so that no server teaches
 * that tasks of others are its own.
 *
 * @throws TypeError when a service has too few examples, or fewer than two are to be learned; OrchestratorError
 *   `UNKNOWN_SERVICE` when one of `services` is not registered.
 */
export function jobFor({ profiles, corrections, services, seed }: Lessons): TrainingJob {
  const corrected = new Set(corrections.values());
  const chosen =
    services ?? [...profiles.keys()].filter((name) => isTrusted(profiles, name) || corrected.has(name));
  const tasks = tasksByService(corrections);
  const lessons = Array.from(new Set(chosen), (name) => {
    const profile = profiles.get(name);
    if (profile === undefined) throw unknownService(name, [...profiles.keys()]);
    const own = (profile.examples ?? []).filter((text) => (corrections.get(text) ?? name) === name);
    const examples = [...(isTrusted(profiles, name) ? own : []), ...(tasks.get(name) ?? [])].filter(hasWords);
    return { ...descriptionOf(profile), examples: [...new Set(examples)] };
  });
  if (lessons.length < 2) {
    throw misuse(`train() needs 2 or more services to tell apart, not ${lessons.length}; register more.`);
  }
  const short = lessons.filter(({ examples }) => examples.length < MIN_EXAMPLES);
  if (short.length > 0) {
    throw tooFewExamples(
      short.map(({ name, examples }) => ({ service: name, examples: examples.length })),
      MIN_EXAMPLES,
    );
  }
  return { profiles: lessons, seed };
}

function isTrusted(profiles: ReadonlyMap<string, ServiceProfile>, name: string): boolean {
  return profiles.get(name)?.trusted !== false;
}

function tasksByService(corrections: ReadonlyMap<string, string>): ReadonlyMap<string, readonly string[]> {
  const tasks = new Map<string, string[]>();
  for (const [task, service] of corrections) {
    const known = tasks.get(service);
    if (known === undefined) tasks.set(service, [task]);
    else known.push(task);
  }
  return tasks;
}

/** Field by field: a profile may hold what cannot be sent to a thread. */
function descriptionOf({
  name,
  description,
  capabilities = [],
  tools = [],
  trusted,
}: ServiceProfile): ServiceProfile {
  if (trusted === false) return { name };
  return {
    name,
    ...(typeof description === 'string' ? { description } : {}),
    capabilities: [...capabilities],
    tools: tools.map((tool) => ({
      name: tool.name,
      ...(tool.description === undefined ? {} : { description: tool.description }),
    })),
  };
}

function hasWords(text: unknown): text is string {
  return typeof text === 'string' && /[\p{L}\p{N}]/u.test(text);
}
