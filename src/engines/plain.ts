/** Objects within objects that are gone through, if nothing is said; what is nested deeper is written piece by piece. */
const MOST_DEPTH = 32;

/**
 * Whether a value is the same after it was written as JSON and read again, and surely takes no more bytes than that.
 * Members that are `undefined` may get lost. Total: a value that cannot be read is not plain.
 */
export function isPlain(value: unknown, limitBytes: number, mostDepth = MOST_DEPTH): boolean {
  try {
    return new Measure(limitBytes, mostDepth).take(value, 0);
  } catch {
    return false;
  }
}

class Measure {
  /** Room that is left if every character takes as many bytes as one can. */
  #leastRoomBytes: number;
  readonly #mostDepth: number;

  constructor(limitBytes: number, mostDepth: number) {
    this.#leastRoomBytes = limitBytes;
    this.#mostDepth = mostDepth;
  }

  take(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        return this.#has(value.length * 6 + 3);
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) && this.#has(26);
      case 'boolean':
        return this.#has(6);
      case 'undefined':
        return depth > 0;
      case 'object':
        return value === null ? this.#has(5) : this.#takeObject(value, depth);
      default:
        return false;
    }
  }

  #takeObject(value: object, depth: number): boolean {
    if (depth >= this.#mostDepth || 'toJSON' in value || !this.#has(3)) return false;
    if (Array.isArray(value)) {
      for (const item of value) if (item === undefined || !this.take(item, depth + 1)) return false;
      return true;
    }
    if (Object.getPrototypeOf(value) !== Object.prototype) return false;
    for (const [key, member] of Object.entries(value)) {
      if (key === '__proto__' || !this.#has(key.length * 6 + 3) || !this.take(member, depth + 1))
        return false;
    }
    return true;
  }

  #has(bytes: number): boolean {
    this.#leastRoomBytes -= bytes;
    return this.#leastRoomBytes >= 0;
  }
}
