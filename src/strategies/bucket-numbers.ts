/** Slots at the start, and what is kept at most when all are cleared. Powers of two. */
const FIRST_SLOTS = 1024;
const MOST_KEPT_SLOTS = 65_536;

/**
 * Numbers distinct buckets from 0 in the order in which they are added.
 *
 * An open hash table as large as what is in it asks for: an array over all buckets would be simpler, and would miss the
 * processor's cache at nearly every look, which took two thirds of the time of a route.
 *
 * - L1: a slot is a pair (bucket + 1, number); (0, 0) is free. At most half of the slots are taken.
 * - L2: a bucket stands in the first free slot from its own on, so a look ends at a free one.
 */
export class BucketNumbers {
  #slots = new Int32Array(2 * FIRST_SLOTS);
  #mask = FIRST_SLOTS - 1;
  #buckets = new Int32Array(FIRST_SLOTS / 2);
  #size = 0;

  /** How many buckets have a number. */
  get size(): number {
    return this.#size;
  }

  /** The buckets by number: the first `size` elements. Another array after growth. */
  get buckets(): Int32Array {
    return this.#buckets;
  }

  /** The number of a bucket, -1 for one that was not added. */
  numberOf(bucket: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    const key = bucket + 1;
    for (let slot = bucket & mask; ; slot = (slot + 1) & mask) {
      const found = slots[2 * slot] as number;
      if (found === key) return slots[2 * slot + 1] as number;
      if (found === 0) return -1;
    }
  }

  /** The number of a bucket, the next free one for one that has none yet. */
  add(bucket: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    const key = bucket + 1;
    let slot = bucket & mask;
    for (; slots[2 * slot] !== 0; slot = (slot + 1) & mask) {
      if (slots[2 * slot] === key) return slots[2 * slot + 1] as number;
    }
    const number = this.#size++;
    slots[2 * slot] = key;
    slots[2 * slot + 1] = number;
    this.#buckets[number] = bucket;
    if (this.#size === this.#buckets.length) this.#resize(4 * this.#size);
    return number;
  }

  /** Takes all numbers back. */
  clear(): void {
    if (this.#mask >= MOST_KEPT_SLOTS) {
      this.#size = 0;
      this.#resize(FIRST_SLOTS);
    } else if (this.#size > 0) {
      this.#slots.fill(0);
      this.#size = 0;
    }
  }

  #resize(slots: number): void {
    const buckets = this.#buckets.subarray(0, this.#size);
    this.#slots = new Int32Array(2 * slots);
    this.#mask = slots - 1;
    this.#buckets = new Int32Array(slots / 2);
    this.#size = 0;
    for (const bucket of buckets) this.add(bucket);
  }
}
