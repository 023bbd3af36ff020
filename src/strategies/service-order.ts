/**
 * Position of each service in a list of names, kept from one call to the next while the list stays the same.
 *
 * Comparing 1,000 names that are the same strings takes a microsecond, building a map of them takes thirty.
 */
export class ServiceOrder {
  #names: readonly string[] = [];
  #positions: ReadonlyMap<string, number> = new Map();
  #version = 0;

  /** Changes whenever the list does; for those who derive something from it. */
  get version(): number {
    return this.#version;
  }

  /** Positions by name; of a name that is listed twice the first. */
  of(names: readonly string[]): ReadonlyMap<string, number> {
    if (!isSameList(names, this.#names)) {
      // A copy, so that a caller who changes the list in place is noticed.
      this.#names = [...names];
      const positions = new Map<string, number>();
      for (const name of names) if (!positions.has(name)) positions.set(name, positions.size);
      this.#positions = positions;
      this.#version++;
    }
    return this.#positions;
  }
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
