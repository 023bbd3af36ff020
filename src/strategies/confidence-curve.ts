/** What a threshold would give. Shares are 0 to 1, null where nothing was counted. */
export interface ThresholdFigures {
  readonly threshold: number;
  /** Share of all tasks that some service would get with enough confidence. */
  readonly coverage: number;
  /** Share of those that would be right. */
  readonly accuracy: number | null;
  /** Share of the tasks with a service that would go to it. */
  readonly right: number | null;
  /** Share of the tasks without a service that no service but the fallback would get. */
  readonly refused: number | null;
}

/** One task as the curve sees it. */
export interface CurvePoint {
  /** Confidence of the best candidate, 0 when there is none. */
  readonly confidence: number;
  /** The task belongs to no service. */
  readonly isForeign: boolean;
  readonly isRightWhenMatched: boolean;
  readonly isRightWhenRefused: boolean;
}

/** Thresholds are looked at in steps of a hundredth. */
const STEPS = 100;

/** Every fifth step is reported. */
const REPORTED_STEP = 5;

/**
 * Counts tasks by the confidence of their best candidate, so that any threshold can be judged afterwards.
 *
 * L1: `#points[step]` holds the tasks whose confidence is at least `step / 100` and below the next one.
 */
export class ConfidenceCurve {
  readonly #all = new Float64Array(STEPS + 1);
  readonly #rightWhenMatched = [new Float64Array(STEPS + 1), new Float64Array(STEPS + 1)] as const;
  readonly #rightWhenRefused = [new Float64Array(STEPS + 1), new Float64Array(STEPS + 1)] as const;
  readonly #tasks = [0, 0];

  add({ confidence, isForeign, isRightWhenMatched, isRightWhenRefused }: CurvePoint): void {
    const step = stepOf(confidence);
    const kind = isForeign ? 1 : 0;
    this.#tasks[kind] = (this.#tasks[kind] as number) + 1;
    increase(this.#all, step);
    if (isRightWhenMatched) increase(this.#rightWhenMatched[kind], step);
    if (isRightWhenRefused) increase(this.#rightWhenRefused[kind], step);
  }

  /** The figures of 0, 0.05, … 1. */
  reported(): ThresholdFigures[] {
    return this.#figures().filter((_, step) => step % REPORTED_STEP === 0);
  }

  /** The threshold with the best mean of right and refused, of equals the nearest to `present`; null without both kinds. */
  best(present: number): ThresholdFigures | null {
    const meanOf = ({ right, refused }: ThresholdFigures) => ((right ?? 0) + (refused ?? 0)) / 2;
    const distanceOf = ({ threshold }: ThresholdFigures) => Math.abs(threshold - present);
    const isBetter = (a: ThresholdFigures, b: ThresholdFigures) =>
      meanOf(a) > meanOf(b) || (meanOf(a) === meanOf(b) && distanceOf(a) < distanceOf(b));
    if (this.#tasks.includes(0)) return null;
    return this.#figures().reduce((best, next) => (isBetter(next, best) ? next : best));
  }

  #figures(): ThresholdFigures[] {
    const [known = 0, foreign = 0] = this.#tasks;
    const matched = totalsFrom(this.#all);
    const [knownMatched, foreignMatched] = this.#rightWhenMatched.map(totalsFrom) as [number[], number[]];
    const [knownRefused, foreignRefused] = this.#rightWhenRefused.map(totalsFrom) as [number[], number[]];
    return matched.map((count, step) => {
      // Below the threshold are those that are not at or above it.
      const below = (totals: number[]) => (totals[0] as number) - (totals[step] as number);
      const right = (knownMatched[step] as number) + below(knownRefused);
      const refused = (foreignMatched[step] as number) + below(foreignRefused);
      return {
        threshold: step / STEPS,
        coverage: count / (known + foreign),
        accuracy: shareOf((knownMatched[step] as number) + (foreignMatched[step] as number), count),
        right: shareOf(right, known),
        refused: shareOf(refused, foreign),
      };
    });
  }
}

/** A share, or null of nothing. */
export function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** The last step that the confidence reaches, compared as the router compares: 0.29 × 100 is a little below 29. */
function stepOf(confidence: number): number {
  const near = Math.min(STEPS, Math.max(0, Math.round(confidence * STEPS)));
  return near / STEPS <= confidence ? near : Math.max(0, near - 1);
}

function increase(counts: Float64Array, at: number): void {
  counts[at] = (counts[at] as number) + 1;
}

/** Element `i` is the sum of the counts from `i` on. */
function totalsFrom(counts: Float64Array): number[] {
  let total = 0;
  return Array.from(counts)
    .reverse()
    .map((count) => {
      total += count;
      return total;
    })
    .reverse();
}
