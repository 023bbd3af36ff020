import { isBytes } from './bytes.js';

/**
 * Takes secrets out of whatever leaves the process.
 *
 * Owns: the secrets, in every spelling in which they may turn up. Talks to nobody. Invariants:
 * - L1 no text that it returns holds a secret of at least {@link SHORTEST_SECRET} characters, as it is, inside JSON of
 *   whichever writer, in an address or in base64; nor the beginning of one that was cut off at the text's end.
 * - L2 a value without a secret is returned as it is, not as a copy.
 */

/** What stands in the place of a secret. */
const REDACTED = '[redacted]';

/** Shorter values are not searched for: they would be found in texts that have nothing to do with them. */
export const SHORTEST_SECRET = 6;

/** How many levels of objects and lists are looked at; what lies deeper is replaced. */
const DEEPEST = 1000;

/** Where JSON escapes a character that it need not, or may have been about to when the text was cut. */
const NEEDLESS_ESCAPE = /\\(?:[/u]|…?$)/;

export class Redactor {
  readonly #secrets = new Set<string>();
  /** Longest first: one spelling may be part of another. */
  #spellings: readonly string[] = [];
  /** These, and those with needless escapes, which few texts have. */
  #allSpellings: readonly string[] = [];
  /** Of a spelling with needless escapes: a part that no writer escapes. A text without it does not hold the spelling. */
  readonly #words = new Map<string, string>();

  /** Adds a secret. Returns whether it is long enough to be searched for. */
  add(secret: string): boolean {
    if (secret.length < SHORTEST_SECRET) return false;
    if (this.#secrets.has(secret)) return true;
    this.#secrets.add(secret);
    const spellings = spellingsOf(secret);
    const escaped = escapedSpellingsOf(secret).filter((spelling) => !spellings.includes(spelling));
    for (const spelling of escaped) this.#words.set(spelling, longestWord(secret));
    this.#spellings = longestFirst([...this.#spellings, ...spellings]);
    this.#allSpellings = longestFirst([...this.#allSpellings, ...spellings, ...escaped]);
    return true;
  }

  /** There is no secret. */
  get isEmpty(): boolean {
    return this.#spellings.length === 0;
  }

  /** The text without secrets. */
  text(text: string): string {
    const isEscaped = this.#words.size > 0 && NEEDLESS_ESCAPE.test(text);
    let clean = text;
    for (const spelling of isEscaped ? this.#spellingsIn(text) : this.#spellings) {
      if (clean.includes(spelling)) clean = clean.replaceAll(spelling, REDACTED);
    }
    return withoutCutSecret(clean, isEscaped ? this.#allSpellings : this.#spellings);
  }

  /**
   * The value without secrets in its texts and keys: those of lists, objects, maps, sets and errors, and of what an object
   * becomes as JSON. Bytes stay as they are. Never throws; what cannot be read is replaced.
   */
  value<T>(value: T): T {
    if (this.isEmpty || !this.#holdsSecret(value, new Set(), 0)) return value;
    return this.#copy(value, new Map(), 0) as T;
  }

  /** All spellings that a text with needless escapes may hold. */
  #spellingsIn(text: string): readonly string[] {
    const words = new Set([...new Set(this.#words.values())].filter((word) => text.includes(word)));
    return this.#allSpellings.filter((spelling) => {
      const word = this.#words.get(spelling);
      return word === undefined || words.has(word);
    });
  }

  /** True also when that cannot be known. */
  #holdsSecret(value: unknown, seen: Set<object>, depth: number): boolean {
    if (typeof value === 'string') return this.text(value) !== value;
    if (typeof value !== 'object' || value === null || seen.has(value)) return false;
    if (depth > DEEPEST) return true;
    seen.add(value);
    try {
      return partsOf(value).some((part) => this.#holdsSecret(part, seen, depth + 1));
    } catch {
      // Its getters throw.
      return true;
    }
  }

  #copy(value: unknown, copies: Map<object, unknown>, depth: number): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    const known = copies.get(value);
    if (known !== undefined) return known;
    if (depth > DEEPEST) return REDACTED;
    try {
      return this.#copyObject(value, copies, (part) => this.#copy(part, copies, depth + 1));
    } catch {
      // What it holds cannot be known, so it does not leave.
      copies.set(value, REDACTED);
      return REDACTED;
    }
  }

  /** The copy is known before its parts are made, so that a circle closes in the copy. */
  #copyObject(value: object, copies: Map<object, unknown>, copy: (part: unknown) => unknown): object {
    const keep = <C extends object>(made: C): C => {
      copies.set(value, made);
      return made;
    };
    if (Array.isArray(value)) {
      const list = keep<unknown[]>([]);
      for (const part of value) list.push(copy(part));
      return list;
    }
    if (value instanceof Map) {
      const map = keep(new Map());
      for (const [key, part] of value) map.set(copy(key), copy(part));
      return map;
    }
    if (value instanceof Set) {
      const set = keep(new Set());
      for (const part of value) set.add(copy(part));
      return set;
    }
    // Bytes hold no texts, and their parts are many.
    if (isBytes(value)) return value;
    if (hasToJson(value)) return this.#copyAsJson(value, keep);
    if (value instanceof String) return keep(Object(this.text(value.valueOf())));
    const made = keep<object>(Object.create(Object.getPrototypeOf(value)));
    for (const [key, part] of entriesOf(value)) {
      // Not by assignment: a key "__proto__" would change the prototype.
      const enumerable = Object.prototype.propertyIsEnumerable.call(value, key);
      const descriptor = { value: copy(part), enumerable, writable: true, configurable: true };
      Object.defineProperty(made, this.text(key), descriptor);
    }
    return made;
  }

  /** What it really holds only it knows; what it says of itself is what leaves. */
  #copyAsJson(value: object, keep: <C extends object>(made: C) => C): object {
    const json = JSON.stringify(value) ?? 'null';
    const clean = this.text(json);
    return clean === json ? keep(value) : JSON.parse(clean);
  }
}

/** Whoever cut the text to a length may have cut through a secret. */
function withoutCutSecret(text: string, spellings: readonly string[]): string {
  const end = text.endsWith('…') ? text.length - 1 : text.length;
  for (const spelling of spellings) {
    const start = spelling.slice(0, SHORTEST_SECRET);
    const from = text.indexOf(start, Math.max(0, end - spelling.length));
    if (from >= 0 && from < end && spelling.startsWith(text.slice(from, end))) {
      return `${text.slice(0, from)}${REDACTED}`;
    }
  }
  return text;
}

function longestWord(secret: string): string {
  return longestFirst(secret.match(/[\w-]+/g) ?? [])[0] ?? '';
}

function longestFirst(spellings: readonly string[]): string[] {
  return [...new Set(spellings)].sort((a, b) => b.length - a.length);
}

/** A secret as it stands in JSON, in JSON inside JSON, in an address, in a form and in base64. */
function spellingsOf(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  const bytes = Buffer.from(secret);
  // A lone surrogate has no place in an address.
  const wellFormed = bytes.toString();
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  return [
    secret,
    inJson,
    JSON.stringify(inJson).slice(1, -1),
    encodeURIComponent(wellFormed),
    encodeURI(wellFormed),
    new URLSearchParams({ s: secret }).toString().slice(2),
    base64,
    bytes.toString('base64url'),
    // The last letters of base64 depend on what follows.
    base64.slice(0, Math.floor(bytes.length / 3) * 4),
  ].filter((spelling) => spelling.length >= SHORTEST_SECRET);
}

/** What writers of JSON escape although they need not, beside the slash. */
const ESCAPED_BY_WRITERS = [
  // Python and PHP.
  /[^\0-\x7f]/g,
  // Go.
  /[<>&\u2028\u2029]/g,
  // Gson.
  /[<>&='\u2028\u2029]/g,
  // .NET. The backslash before a quote goes with it.
  /\\"|[<>&'+`\x7f]|[^\0-\x7f]/g,
];

/** A secret as it stands in JSON, and in JSON inside JSON, of writers that escape more than they must. */
function escapedSpellingsOf(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  const escaped = ESCAPED_BY_WRITERS.flatMap((letters) =>
    ['lower', 'upper'].map((hex) =>
      inJson.replace(letters, (letter) => {
        const code = letter
          .charCodeAt(letter.length - 1)
          .toString(16)
          .padStart(4, '0');
        return `\\u${hex === 'upper' ? code.toUpperCase() : code}`;
      }),
    ),
  );
  const spellings = new Set([inJson, ...escaped].flatMap((each) => [each, each.replaceAll('/', '\\/')]));
  return [...spellings].flatMap((each) => [each, JSON.stringify(each).slice(1, -1)]);
}

function partsOf(value: object): unknown[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value].flat();
  if (value instanceof Set) return [...value];
  if (isBytes(value)) return [];
  if (hasToJson(value)) return [JSON.stringify(value) ?? ''];
  return value instanceof String ? [value.valueOf()] : entriesOf(value).flat();
}

/** Errors have their texts in properties that are not enumerable. */
function entriesOf(value: object): [string, unknown][] {
  const keys = value instanceof Error ? Object.getOwnPropertyNames(value) : Object.keys(value);
  return keys.map((key) => [key, Reflect.get(value, key)]);
}

function hasToJson(value: object): boolean {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}
