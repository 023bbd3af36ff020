import { BucketNumbers } from './bucket-numbers.js';
import type { CountedService } from './counted-profiles.js';
import { kindWeight } from './features.js';

/** How much more a rare feature counts than its rarity alone would say. */
const RARITY_POWER = 1.2;

/**
 * Owns: the features that occur in some texts, numbered from 0 in rows, and the weight of each.
 *
 * L1: a feature that is in no text has a weight too, the highest of its kind.
 */
export class FeatureTable {
  readonly #rows = new BucketNumbers();
  #weights = new Float64Array();
  #unseenRarity = 1;

  /** Number of rows. */
  get size(): number {
    return this.#rows.size;
  }

  /** Buckets by row: the first `size` elements. */
  get buckets(): Int32Array {
    return this.#rows.buckets;
  }

  /** Rarity of a feature that is in no text, above 0. */
  get unseenRarity(): number {
    return this.#unseenRarity;
  }

  /** Row of a feature, -1 for one that is in no text. */
  rowOf(bucket: number): number {
    return this.#rows.numberOf(bucket);
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
    this.#rows.clear();
    const texts: number[] = [];
    const owners: number[] = [];
    const lastOwners: number[] = [];
    let textCount = 0;
    services.forEach((service, owner) => {
      textCount += service.texts.length;
      for (const text of service.texts) {
        for (const bucket of text.buckets) {
          const row = this.#rows.add(bucket);
          texts[row] = (texts[row] ?? 0) + 1;
          if (lastOwners[row] !== owner) owners[row] = (owners[row] ?? 0) + 1;
          lastOwners[row] = owner;
        }
      }
    });
    const rarity = (inTexts: number, inServices: number) =>
      (rarityOf(textCount, inTexts) * rarityOf(services.length, inServices)) ** (RARITY_POWER / 2);
    this.#unseenRarity = rarity(0, 0);
    this.#weights = Float64Array.from(
      this.buckets.subarray(0, this.size),
      (bucket, row) => rarity(texts[row] as number, owners[row] as number) * kindWeight(bucket),
    );
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
