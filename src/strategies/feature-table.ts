import type { CountedService } from './counted-profiles.js';
import { BUCKETS, kindWeight } from './features.js';

/** How much more a rare feature counts than its rarity alone would say. */
const RARITY_POWER = 1.2;

/**
 * Owns: the features that occur in some texts, numbered from 0 in rows, and the weight of each.
 *
 * - I1: `#rows` is 0 but for the buckets of rows, so filling the table anew costs what the texts are long.
 * - I2: a feature that is in no text has a weight too, the highest of its kind.
 */
export class FeatureTable {
  /** Row + 1 by bucket. */
  readonly #rows = new Int32Array(BUCKETS);
  #buckets: readonly number[] = [];
  #weights = new Float64Array();
  #unseenRarity = 1;

  /** Number of rows. */
  get size(): number {
    return this.#buckets.length;
  }

  /** Buckets by row. */
  get buckets(): readonly number[] {
    return this.#buckets;
  }

  /** Rarity of a feature that is in no text, above 0. */
  get unseenRarity(): number {
    return this.#unseenRarity;
  }

  /** Row of a feature, -1 for one that is in no text. */
  rowOf(bucket: number): number {
    return (this.#rows[bucket] as number) - 1;
  }

  /** What a feature counts for, above 0. */
  weightOf(bucket: number): number {
    return this.weightAt(this.rowOf(bucket), bucket);
  }

  /** The same for who knows its row. */
  weightAt(row: number, bucket: number): number {
    return row < 0 ? this.#unseenRarity * kindWeight(bucket) : (this.#weights[row] as number);
  }

  /**
   * Takes the features of these services in place of those it has. A weight joins two rarities: among all texts and
   * among services. Among texts alone, a word of every example of one service would count little though it gives the
   * service away; among services alone, a chance word of one text would count as much as that one.
   */
  fill(services: readonly CountedService[]): void {
    for (const bucket of this.#buckets) this.#rows[bucket] = 0;
    const buckets: number[] = [];
    const texts: number[] = [];
    const owners: number[] = [];
    const lastOwners: number[] = [];
    let textCount = 0;
    services.forEach((service, owner) => {
      textCount += service.texts.length;
      for (const text of service.texts) {
        for (const bucket of text.buckets) {
          const row = this.#addRow(bucket, buckets);
          texts[row] = (texts[row] ?? 0) + 1;
          if (lastOwners[row] !== owner) owners[row] = (owners[row] ?? 0) + 1;
          lastOwners[row] = owner;
        }
      }
    });
    const rarity = (inTexts: number, inServices: number) =>
      (rarityOf(textCount, inTexts) * rarityOf(services.length, inServices)) ** (RARITY_POWER / 2);
    this.#unseenRarity = rarity(0, 0);
    this.#buckets = buckets;
    this.#weights = Float64Array.from(
      buckets,
      (bucket, row) => rarity(texts[row] as number, owners[row] as number) * kindWeight(bucket),
    );
  }

  #addRow(bucket: number, buckets: number[]): number {
    if (this.#rows[bucket] === 0) this.#rows[bucket] = buckets.push(bucket);
    return (this.#rows[bucket] as number) - 1;
  }
}

function rarityOf(all: number, holding: number): number {
  return Math.log((1 + all) / (1 + holding)) + 1;
}

const LOGARITHMS = Float64Array.from({ length: 64 }, (_, count) => (count === 0 ? 0 : 1 + Math.log(count)));

/** `1 + ln count`, 0 for 0: a word that occurs twice says more, but not twice as much. */
export function termWeight(count: number): number {
  return count < LOGARITHMS.length ? (LOGARITHMS[count] as number) : 1 + Math.log(count);
}
