/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('The median of no values.');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** The value below which the given share of the values lies, by nearest rank. @param share - Above 0, at most 1. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('The percentile of no values.');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] as number;
}

/** How much y grows per so much of x, by the straight line that fits best; 0 for fewer than two points. */
export function slopePer(step: number, points: readonly (readonly [x: number, y: number])[]): number {
  const meanOf = (place: 0 | 1): number =>
    points.reduce((sum, point) => sum + point[place], 0) / points.length;
  const [meanX, meanY] = [meanOf(0), meanOf(1)];
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (points.length < 2 || spread === 0) return 0;
  return (step * points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)) / spread;
}

export function rangeOf(values: readonly number[]): [lowest: number, highest: number] {
  return [Math.min(...values), Math.max(...values)];
}

/** Four significant digits: more would be noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
