/** How one labelled task came out: the similarity of the best service, and whether that is the right one. */
export interface LabelledOutcome {
  readonly similarity: number;
  readonly isRight: boolean;
  /** The task belongs to no service. */
  readonly isForeign: boolean;
}

/**
 * Rows of each kind that are taken to have come out as expected: a share of six rows says less than a share of six
 * hundred, and must not outweigh it.
 */
const PRIOR_ROWS = 50;

/** Part of the usual bandwidth of a kernel estimate (Silverman's) by which similarities are blurred. */
const BANDWIDTH_SHARE = 0.5;

/** Steps of the search between the lowest and the highest similarity. */
const STEPS = 256;

/**
 * The similarity from which on tasks should be routed. It weighs two shares: tasks routed right among those that have a
 * service, and foreign tasks refused; when no task is foreign, wrong ones are to be refused.
 *
 * Each similarity stands for its neighbourhood too: counted as they are, a few tasks would put the threshold beside the
 * last of them, and the next ones fall on either side of it.
 *
 * @returns A number above 0 and at most 1, or undefined when no similarity is above 0.
 */
export function bestThreshold(outcomes: readonly LabelledOutcome[]): number | undefined {
  const hasForeign = outcomes.some(({ isForeign }) => isForeign);
  const isUnwanted = ({ isForeign, isRight }: LabelledOutcome) => (hasForeign ? isForeign : !isRight);
  const unwanted = outcomes.filter(isUnwanted).length;
  const gain = 1 / (outcomes.length - unwanted + PRIOR_ROWS);
  const loss = 1 / (unwanted + PRIOR_ROWS);
  const votes = outcomes.flatMap((outcome) => {
    if (isUnwanted(outcome)) return [{ similarity: outcome.similarity, value: -loss }];
    return outcome.isRight ? [{ similarity: outcome.similarity, value: gain }] : [];
  });
  const similarities = votes.map(({ similarity }) => similarity);
  const highest = similarities.reduce((most, similarity) => Math.max(most, similarity), 0);
  if (highest === 0) return undefined;
  const bandwidth = bandwidthOf(similarities);
  let best = { threshold: highest, score: Number.NEGATIVE_INFINITY };
  for (let step = 1; step <= STEPS; step++) {
    const threshold = (Math.min(1, highest) * step) / STEPS;
    const score = votes.reduce(
      (sum, { similarity, value }) => sum + value * logistic((similarity - threshold) / bandwidth),
      0,
    );
    if (score > best.score) best = { threshold, score };
  }
  return best.threshold;
}

function bandwidthOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return Math.max(1e-3, BANDWIDTH_SHARE * 1.06 * Math.sqrt(variance) * values.length ** -0.2);
}

/** The share of a neighbourhood that is above: near enough the normal distribution's, and cheaper. */
function logistic(deviations: number): number {
  return 1 / (1 + Math.exp(-1.702 * deviations));
}
