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
