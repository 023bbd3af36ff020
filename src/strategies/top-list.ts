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
  for (let service = 0; service < similarities.length; service++) {
    const similarity = similarities[service] as number;
    const position = positions[service] as number;
    if (similarity <= 0 || position < 0) continue;
    // Like `insertInOrder`, without a call per comparison: this runs for every service at every route.
    let place = best.length;
    if (place === most && !isBefore(similarity, position, best[--place] as number)) continue;
    for (; place > 0 && isBefore(similarity, position, best[place - 1] as number); place--) {
      best[place] = best[place - 1] as number;
    }
    best[place] = service;
  }
  return best;

  function isBefore(similarity: number, position: number, other: number): boolean {
    const its = similarities[other] as number;
    return similarity > its || (similarity === its && position < (positions[other] as number));
  }
}
