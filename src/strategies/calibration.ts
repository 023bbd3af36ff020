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

/**
 * The similarity from which on tasks should be routed. It weighs two shares: tasks routed right among those that have a
 * service, and foreign tasks refused; when no task is foreign, wrong ones are to be refused. Of equally good
 * similarities it takes the middle.
 *
 * @returns A number above 0 and at most 1, or undefined when no similarity is above 0.
 */
export function bestThreshold(outcomes: readonly LabelledOutcome[]): number | undefined {
  const hasForeign = outcomes.some(({ isForeign }) => isForeign);
  const isUnwanted = ({ isForeign, isRight }: LabelledOutcome) => (hasForeign ? isForeign : !isRight);
  const unwanted = outcomes.filter(isUnwanted).length;
  const gain = 1 / (outcomes.length - unwanted + PRIOR_ROWS);
  const loss = 1 / (unwanted + PRIOR_ROWS);
  const sorted = outcomes
    .filter(({ similarity }) => similarity > 0)
    .sort((a, b) => b.similarity - a.similarity);
  let score = 0;
  let best: { score: number; highest: number; lowest: number } | undefined;
  sorted.forEach((outcome, i) => {
    if (isUnwanted(outcome)) score -= loss;
    else if (outcome.isRight) score += gain;
    const next = sorted[i + 1]?.similarity ?? 0;
    // Rows of one similarity are routed or refused together.
    if (next === outcome.similarity) return;
    if (best === undefined || score > best.score) {
      best = { score, highest: outcome.similarity, lowest: next };
    } else if (score === best.score && best.lowest === outcome.similarity) {
      best.lowest = next;
    }
  });
  return best === undefined ? undefined : Math.min(1, (best.highest + best.lowest) / 2);
}
