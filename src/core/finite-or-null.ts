/** A limit as JSON can say it: null for `Infinity`, which means no limit. */
export function finiteOrNull(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null;
}
