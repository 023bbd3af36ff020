import type { RouteCandidate } from '../core/route.js';

/** One strategy's cleaned ranking, best first, and its weight. */
export interface WeightedRanking {
  readonly weight: number;
  readonly ranked: readonly RouteCandidate[];
}

/** How confidences of several strategies become one. */
export type CombineMode = 'weighted' | 'max' | 'noisyOr' | 'rrf';

/** Damps the difference between first ranks; the value usual for reciprocal rank fusion. */
const RRF_RANK_OFFSET = 60;

/** What a strategy says of one service; `rank` is 0 for the best. */
interface Vote {
  readonly candidate: RouteCandidate;
  readonly weight: number;
  readonly rank: number;
}

/**
 * Combines rankings into one, best first, equal ones by their position in `order`.
 *
 * - `max`: the highest confidence, with its strategy and reasons.
 * - `weighted`: the mean by weight; a strategy that does not name a service counts as 0 for it.
 * - `noisyOr`: `1 − Π(1 − weight × confidence)`: independent evidence adds up.
 * - `rrf`: reciprocal rank fusion, scaled so that first place everywhere is 1. Ranks say nothing of how sure a strategy
 *   is: the candidates are marked `isRankOnly`, and no threshold is applied to them.
 */
export function combineRankings(
  mode: CombineMode,
  rankings: readonly WeightedRanking[],
  order: ReadonlyMap<string, number>,
): RouteCandidate[] {
  const combined = mode === 'max' ? highestOf(rankings) : mergeAll(mode, rankings);
  const position = ({ service }: RouteCandidate) => order.get(service) ?? 0;
  return combined.sort((a, b) => b.confidence - a.confidence || position(a) - position(b));
}

/** Of equals the earlier strategy's. */
function highestOf(rankings: readonly WeightedRanking[]): RouteCandidate[] {
  const [first, ...others] = rankings;
  if (first === undefined || others.length === 0) return [...(first?.ranked ?? [])];
  const highest = new Map<string, RouteCandidate>();
  for (const candidate of first.ranked) highest.set(candidate.service, candidate);
  for (const { ranked } of others) {
    for (const candidate of ranked) {
      const known = highest.get(candidate.service);
      if (known === undefined || candidate.confidence > known.confidence) {
        highest.set(candidate.service, candidate);
      }
    }
  }
  return [...highest.values()];
}

function mergeAll(mode: Exclude<CombineMode, 'max'>, rankings: readonly WeightedRanking[]): RouteCandidate[] {
  const totalWeight = rankings.reduce((sum, { weight }) => sum + weight, 0);
  return [...votesByService(rankings).values()].map((votes) => {
    const merged = merge(votes, Math.min(1, CONFIDENCES[mode](votes, totalWeight)));
    return mode === 'rrf' ? { ...merged, isRankOnly: true } : merged;
  });
}

const CONFIDENCES: Readonly<
  Record<Exclude<CombineMode, 'max'>, (votes: readonly Vote[], totalWeight: number) => number>
> = {
  weighted: (votes, totalWeight) =>
    totalWeight === 0
      ? 0
      : votes.reduce((sum, { candidate, weight }) => sum + weight * candidate.confidence, 0) / totalWeight,
  noisyOr: (votes) =>
    1 - votes.reduce((doubt, { candidate, weight }) => doubt * (1 - weight * candidate.confidence), 1),
  rrf: (votes, totalWeight) =>
    totalWeight === 0
      ? 0
      : votes.reduce(
          (sum, { rank, weight }) => sum + (weight * (RRF_RANK_OFFSET + 1)) / (RRF_RANK_OFFSET + 1 + rank),
          0,
        ) / totalWeight,
};

function votesByService(rankings: readonly WeightedRanking[]): Map<string, Vote[]> {
  const votes = new Map<string, Vote[]>();
  for (const { ranked, weight } of rankings) {
    ranked.forEach((candidate, rank) => {
      const known = votes.get(candidate.service);
      if (known === undefined) votes.set(candidate.service, [{ candidate, weight, rank }]);
      else known.push({ candidate, weight, rank });
    });
  }
  return votes;
}

function merge(votes: readonly Vote[], confidence: number): RouteCandidate {
  const { service } = (votes[0] as Vote).candidate;
  const strategies = votes.map(({ candidate }) => candidate.strategy).filter((name) => name !== undefined);
  return {
    service,
    confidence,
    strategy: [...new Set(strategies)].join('+'),
    reasons: votes.flatMap(({ candidate }) => candidate.reasons ?? []),
  };
}
