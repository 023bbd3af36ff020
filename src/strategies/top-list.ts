/**
 * Puts an item into a list that is kept in order and short; `splice` would cost more than everything around it.
 *
 * @param isBefore - Whether the first argument belongs before the second; an item goes behind its equals.
 */
export function insertInOrder<T>(list: T[], item: T, most: number, isBefore: (a: T, b: T) => boolean): void {
  let place = list.length;
  if (place === most) {
    if (!isBefore(item, list[place - 1] as T)) return;
    place--;
  }
  for (; place > 0 && isBefore(item, list[place - 1] as T); place--) list[place] = list[place - 1] as T;
  list[place] = item;
}

/**
 * The available services with the highest similarities above 0, best first, equal ones by position. Sorting all of a
 * thousand would take longer than comparing them.
 *
 * @param positions - By service; below 0 for one that is not available.
 */
export function mostSimilar(similarities: Float64Array, positions: Int32Array, most: number): number[] {
  const best: number[] = [];
  const isBefore = (a: number, b: number) => {
    const difference = (similarities[a] as number) - (similarities[b] as number);
    return difference > 0 || (difference === 0 && (positions[a] as number) < (positions[b] as number));
  };
  let least = 0;
  for (let service = 0; service < similarities.length; service++) {
    const similarity = similarities[service] as number;
    if (similarity < least || similarity <= 0 || (positions[service] as number) < 0) continue;
    insertInOrder(best, service, most, isBefore);
    if (best.length === most) least = similarities[best[most - 1] as number] as number;
  }
  return best;
}
