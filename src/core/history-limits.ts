import type { HistoryEvent, HistoryLimits } from './history-event.js';

/** A fact that changes what the run is allowed. */
export type LimitFact = Extract<HistoryEvent, { type: 'resized' | 'restaffed' }>;

/** What the run is allowed after the change. What cannot be known any more is left out. */
export function limitsAfter(limits: HistoryLimits, change: LimitFact): HistoryLimits {
  const { maxParallel, concurrency = {}, ...rest } = limits;
  const { service } = change;
  if (change.type === 'restaffed') {
    // Attempts of its old code may still run, beside those of the other.
    const { [change.service]: _, ...others } = concurrency;
    const restaffed = [...new Set([...(limits.restaffed ?? []), change.service])];
    return { ...limits, concurrency: others, restaffed };
  }
  const { limit } = change;
  if (service === null) {
    // The concurrency of a service that has none of its own follows, and which those are is not told.
    const own = Object.entries(concurrency).filter(([, each]) => each !== maxParallel);
    return { ...rest, concurrency: Object.fromEntries(own), ...(limit !== null && { maxParallel: limit }) };
  }
  const { [service]: _, ...others } = concurrency;
  const isKnown = limit !== null && !limits.restaffed?.includes(service);
  return { ...limits, concurrency: isKnown ? { ...others, [service]: limit } : others };
}
