import { isSure, NEAR_TIE } from '../core/decide-route.js';
import type { RouteCandidate } from '../core/route.js';

/** Confidence of what the model chose, unless something that it did not choose had more. */
const CHOSEN = 0.8;

/** How far below what the model chose the others stay: too far for a near tie. */
const DISTANCE = 2 * NEAR_TIE;

/** Why the local ranking does not decide, for people; undefined when it does. */
export function doubtOf(ranked: readonly RouteCandidate[], threshold: number): string | undefined {
  const [first, second] = ranked;
  if (first === undefined) return 'nothing else matched';
  if (first.isRankOnly) return 'the others are only ranked';
  const score = `${first.service} ${first.confidence.toFixed(2)}`;
  if (!isSure(first, threshold)) return `${score} was below ${threshold}`;
  if (second === undefined || first.confidence - second.confidence >= NEAR_TIE) return undefined;
  return `${score} and ${second.service} ${second.confidence.toFixed(2)} were too close`;
}

/** Puts what the model chose first, and the rest clearly below it. */
export function prefer(
  service: string,
  ranked: readonly RouteCandidate[],
  threshold: number,
  doubt: string,
): RouteCandidate[] {
  const highest = ranked[0]?.confidence ?? 0;
  const confidence = Math.max(CHOSEN, threshold, highest);
  const reasons = [{ kind: 'llm', note: `chosen by the language model (${doubt})` }] as const;
  return [
    { service, confidence, strategy: 'llm', reasons },
    ...lower(ranked, confidence - DISTANCE).filter((candidate) => candidate.service !== service),
  ];
}

/** Puts everything clearly below the threshold: none of it fits. */
export function refuse(
  ranked: readonly RouteCandidate[],
  threshold: number,
  services: readonly string[],
): RouteCandidate[] {
  const [first, ...others] = lower(ranked, threshold / 2);
  if (first === undefined) return [];
  const note = `the language model chose none of ${services.join(', ')}`;
  return [{ ...first, reasons: [...(first.reasons ?? []), { kind: 'llm', note }] }, ...others];
}

/** The same order with no confidence above `most`. Ranks become confidences: what they mean was decided by the model. */
function lower(ranked: readonly RouteCandidate[], most: number): RouteCandidate[] {
  const highest = ranked[0]?.confidence ?? 0;
  const factor = highest > most ? most / highest : 1;
  return ranked.map(({ isRankOnly, ...candidate }) => ({
    ...candidate,
    confidence: candidate.confidence * factor,
  }));
}
