import { misuse } from '../core/errors.js';
import type { RouteCandidate, RouteReason } from '../core/route.js';
import type { FaultLog } from './fault-log.js';

/** Most entries read of one answer. */
const MAX_ENTRIES = 1_000_000;

/** Most reasons kept of one candidate. */
const MAX_REASONS = 32;

/** Whose answer is cleaned, against which services, and where faults are told. */
export interface CleaningContext {
  readonly strategy: string;
  /** Position of each service in order of registration. */
  readonly order: ReadonlyMap<string, number>;
  readonly faults: FaultLog;
}

/** The best entry for a service so far. */
interface Best {
  /** As it was read once: a getter may answer differently the second time. */
  readonly service: string;
  readonly position: number;
  confidence: number;
  entry: object;
}

/**
 * Turns whatever a strategy answered into candidates, best first, equal ones in order of registration. Drops entries for
 * unknown services and entries whose confidence is no number in 0 to 1; of entries for one service the highest stays.
 * Everything kept is a copy that is safe to read.
 *
 * @throws TypeError when the answer is no array; and whatever a getter in it throws.
 */
export function cleanRanking(value: unknown, context: CleaningContext): RouteCandidate[] {
  if (!Array.isArray(value)) {
    throw misuse(
      `Strategy "${context.strategy}" answered ${value === null ? 'null' : typeof value} instead of an array; return [[service, confidence], …], or [] for none.`,
    );
  }
  return bestEntries(value, context)
    .sort((a, b) => b.confidence - a.confidence || a.position - b.position)
    .map((best) => toCandidate(best, context.strategy));
}

function bestEntries(entries: readonly unknown[], context: CleaningContext): Best[] {
  const found = new Map<unknown, Best>();
  const count = Math.min(entries.length, MAX_ENTRIES);
  let isShapeTold = false;
  for (let i = 0; i < count; i++) {
    const entry = entries[i];
    if (typeof entry !== 'object' || entry === null) {
      if (!isShapeTold) tellDropped(context, 'shape', entry);
      isShapeTold = true;
      continue;
    }
    const service: unknown = Array.isArray(entry) ? entry[0] : (entry as RouteCandidate).service;
    const confidence: unknown = Array.isArray(entry) ? entry[1] : (entry as RouteCandidate).confidence;
    const best = found.get(service);
    const position = best?.position ?? context.order.get(service as string);
    if (position === undefined) tellDropped(context, 'service', service);
    else if (typeof confidence !== 'number' || !(confidence >= 0 && confidence <= 1)) {
      tellDropped(context, 'confidence', service);
    } else if (best === undefined)
      found.set(service, { service: service as string, position, confidence, entry });
    else if (confidence > best.confidence) {
      best.confidence = confidence;
      best.entry = entry;
    }
  }
  return [...found.values()];
}

function tellDropped(
  { strategy, faults }: CleaningContext,
  what: keyof typeof DROPPED,
  value: unknown,
): void {
  const service = typeof value === 'string' ? value.slice(0, 200) : typeof value;
  faults.warnOnce(`${strategy} ${what} ${service}`, { strategy, service }, DROPPED[what]);
}

const DROPPED = {
  shape: 'a routing strategy answered with an entry that is no candidate; it was dropped',
  service: 'a routing strategy named an unknown service; the entry was dropped',
  confidence: 'a routing strategy gave a confidence that is no number in 0 to 1; the entry was dropped',
};

function toCandidate({ service, confidence, entry }: Best, strategy: string): RouteCandidate {
  if (Array.isArray(entry)) return { service, confidence, strategy };
  const { strategy: said, reasons, isRankOnly } = entry as RouteCandidate;
  // Put together field by field: there may be a thousand candidates, and spreading costs more than all the rest.
  const candidate: { -readonly [K in keyof RouteCandidate]: RouteCandidate[K] } = {
    service,
    confidence,
    strategy: typeof said === 'string' ? said : strategy,
  };
  if (Array.isArray(reasons)) candidate.reasons = toReasons(reasons);
  if (isRankOnly === true) candidate.isRankOnly = true;
  return candidate;
}

function toReasons(given: readonly unknown[]): RouteReason[] {
  const reasons: RouteReason[] = [];
  for (let i = 0; i < given.length && i < MAX_REASONS; i++) {
    const reason = toReason(given[i] as RouteReason | null | undefined);
    if (reason !== undefined) reasons.push(reason);
  }
  return reasons;
}

/** A copy of a well-formed reason; undefined for any other. */
function toReason(reason: RouteReason | null | undefined): RouteReason | undefined {
  switch (reason?.kind) {
    case 'keyword': {
      const { kind, keyword, at, score } = reason;
      return isText(keyword) && isNumber(at) && isNumber(score) ? { kind, keyword, at, score } : undefined;
    }
    case 'term': {
      const { kind, term, weight } = reason;
      return isText(term) && isNumber(weight) ? { kind, term, weight } : undefined;
    }
    case 'example': {
      const { kind, text, similarity } = reason;
      return isText(text) && isNumber(similarity) ? { kind, text, similarity } : undefined;
    }
    case 'llm':
    case 'custom': {
      const { kind, note } = reason;
      return isText(note) ? { kind, note } : undefined;
    }
    default:
      return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
