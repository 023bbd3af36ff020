/** A year: what is longer means never, and a number without end would not survive JSON. */
const LONGEST_SECONDS = 365 * 86_400;

/**
 * Seconds to wait by a `Retry-After` header, which is a number or a date; undefined without a readable one. A date is
 * compared with the server's own `Date`, so that clocks need not agree.
 *
 * @param nowMs - Epoch milliseconds, for a server that does not tell its date.
 */
export function readRetryAfter(headers: Pick<Headers, 'get'>, nowMs: number): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (value === undefined || value === '') return undefined;
  if (/^\d+(?:\.\d+)?$/.test(value)) return Math.min(Number(value), LONGEST_SECONDS);
  const untilMs = Date.parse(value);
  if (Number.isNaN(untilMs)) return undefined;
  const serverMs = Date.parse(headers.get('date') ?? '');
  const seconds = (untilMs - (Number.isNaN(serverMs) ? nowMs : serverMs)) / 1000;
  return Math.min(Math.max(0, seconds), LONGEST_SECONDS);
}
