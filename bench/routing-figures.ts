import type { Scores } from './contestants/routers.js';

/** How one task came out. */
export interface Outcome {
  /** Null: the task belongs to no service. */
  readonly service: string | null;
  /** The best three, and the score of the first; 0 when there is none. */
  readonly best: readonly string[];
  readonly score: number;
}

export function outcomeOf(service: string | null, scores: Scores): Outcome {
  return { service, best: scores.slice(0, 3).map(([name]) => name), score: scores[0]?.[1] ?? 0 };
}

/**
 * Shares in percent.
 *
 * - `accuracy`, `accuracyTop3`: of the tasks with a service, how often it is first, or among the first three.
 * - `auroc`: how often a task with a service scores higher than one without.
 * - `right`, `refused`: of the tasks with a service, those that it gets with a score of at least `threshold`; of those
 *   without, those below it (out-of-scope recall). Left out when the scores have no such scale.
 * - `rightAtBest`, `refusedAtBest`: the same at the threshold with the best mean of both, found on these very tasks.
 */
export function accuracyFigures(outcomes: readonly Outcome[], threshold?: number): Record<string, number> {
  const known = outcomes.filter(({ service }) => service !== null);
  const foreign = outcomes.filter(({ service }) => service === null);
  const isFirst = ({ service, best }: Outcome) => best[0] === service;
  const figures = {
    accuracy: percentOf(known.filter(isFirst).length, known.length),
    accuracyTop3: percentOf(
      known.filter(({ service, best }) => best.includes(service as string)).length,
      known.length,
    ),
  };
  if (foreign.length === 0) return figures;
  const at = (least: number) => ({
    right: percentOf(known.filter((each) => isFirst(each) && each.score >= least).length, known.length),
    refused: percentOf(foreign.filter(({ score }) => score < least).length, foreign.length),
  });
  const best = at(bestThreshold(outcomes, known.length, foreign.length));
  return {
    ...figures,
    auroc: auroc(known, foreign),
    ...(threshold !== undefined && at(threshold)),
    rightAtBest: best.right,
    refusedAtBest: best.refused,
  };
}

/** The score at which the sum of both shares is highest; one sweep from the highest score down. */
function bestThreshold(outcomes: readonly Outcome[], known: number, foreign: number): number {
  const sorted = [...outcomes].sort((a, b) => b.score - a.score);
  let gain = 0;
  let best = { gain: 0, threshold: Number.POSITIVE_INFINITY };
  sorted.forEach(({ service, best: [first], score }, index) => {
    if (service === null) gain -= 1 / foreign;
    else if (service === first) gain += 1 / known;
    // Tasks of one score are routed or refused together.
    if (sorted[index + 1]?.score !== score && gain > best.gain) best = { gain, threshold: score };
  });
  return best.threshold;
}

/** Ties count half. */
function auroc(known: readonly Outcome[], foreign: readonly Outcome[]): number {
  const scores = foreign.map(({ score }) => score).sort((a, b) => a - b);
  const countWhile = (isBelow: (other: number) => boolean) => {
    let low = 0;
    let high = scores.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBelow(scores[middle] as number)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const wins = known.reduce(
    (sum, { score }) =>
      sum + (countWhile((other) => other < score) + countWhile((other) => other <= score)) / 2,
    0,
  );
  return percentOf(wins, known.length * foreign.length);
}

function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}
