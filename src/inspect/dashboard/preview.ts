import { inspect } from 'node:util';

/** Most letters of a preview. */
const LONGEST = 2000;
/** Keys and items that are shown of one object; larger ones are not even walked. */
const MOST_PARTS = 50;

/** The beginning of a value, for people. Runs none of its getters and never throws. */
export function previewText(value: unknown): string {
  if (typeof value === 'string') return shorten(value);
  try {
    return shorten(
      inspect(firstParts(value), {
        depth: 4,
        maxArrayLength: MOST_PARTS,
        maxStringLength: LONGEST,
        customInspect: false,
        getters: false,
        breakLength: 100,
      }),
    );
  } catch {
    return 'The result cannot be shown.';
  }
}

/** Cuts a text to {@link LONGEST} letters; one that was cut ends in "…". */
export function shorten(text: string, longest = LONGEST): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}

function firstParts(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return value;
  }
  const keys = Object.keys(value);
  if (keys.length <= MOST_PARTS) return value;
  const shown = keys.slice(0, MOST_PARTS).map((key) => [key, Object.getOwnPropertyDescriptor(value, key)]);
  const parts = Object.create(Object.prototype, Object.fromEntries(shown));
  return Object.assign(parts, { '…': `${keys.length - MOST_PARTS} more keys` });
}
