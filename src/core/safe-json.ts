import { bufferOf, isBytes } from './bytes.js';

/**
 * Turns any value of a service into JSON text, within a limit of size, or says why it cannot.
 *
 * The text is written piece by piece, so that a huge value stops at the limit instead of being built first, and so
 * that what was written until then serves as the preview.
 */

/** What became of a value: its JSON text, or the reason why there is none. */
export type JsonOutcome =
  | { readonly kind: 'json'; readonly json: string; readonly sizeBytes: number }
  | { readonly kind: 'too-large'; readonly preview: string }
  | { readonly kind: 'unserialisable'; readonly why: string };

/** Characters of the preview of a value that is too large. */
export const PREVIEW_CHARS = 1024;

/**
 * Writes a value as JSON. BigInt becomes a decimal string, a cycle `"[Circular]"`, a Date its ISO text, a Set an array,
 * a Map with text keys an object (else an array of pairs), an Error its name and message, bytes base64, a boxed primitive
 * what it holds. A function, a symbol, a getter or `toJSON` that throws, and a value nested too deep are `unserialisable`.
 * Total: never throws.
 *
 * @param limitBytes - Most bytes of UTF-8 that the text may have.
 */
export function writeJson(value: unknown, limitBytes: number): JsonOutcome {
  const writer = new JsonWriter(limitBytes);
  try {
    writer.write(value);
    return { kind: 'json', json: writer.text(), sizeBytes: writer.sizeBytes };
  } catch (stop) {
    if (stop === TOO_LARGE) return { kind: 'too-large', preview: writer.text().slice(0, PREVIEW_CHARS) };
    // Else a stack overflow, or a proxy or getter of the service that throws.
    const what = stop instanceof Unserialisable ? stop.message : 'cannot be read or is nested too deep';
    return { kind: 'unserialisable', why: `${writer.path()} ${what}` };
  }
}

/** In place of a copy: the value is not small and plain. */
export const NOT_PLAIN = Symbol('not plain');

/**
 * Copies a value that is JSON as it stands, which most are, in a tenth of the time that writing and parsing it takes.
 * Says {@link NOT_PLAIN} of any other, and of one whose text might be longer than the limit. Total: never throws.
 *
 * @param limitBytes - Most bytes of UTF-8 that the copy can have as JSON text.
 */
export function copyPlain(value: unknown, limitBytes: number): unknown {
  try {
    return new PlainCopier(limitBytes).copy(value);
  } catch {
    // Too large, a cycle, a bigint, a getter that throws: the writer says what becomes of it.
    return NOT_PLAIN;
  }
}

/** Most bytes that a character of a text takes as JSON, escaped. */
const ESCAPED_BYTES = 6;
/** Most bytes of a number or another literal, with the comma. */
const LITERAL_BYTES = 26;

class PlainCopier {
  /** Room that is left if all that was copied takes as much as it can. */
  #leastRoomBytes: number;

  constructor(limitBytes: number) {
    this.#leastRoomBytes = limitBytes;
  }

  copy(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        this.#take(value.length * ESCAPED_BYTES + 3);
        return value;
      case 'number':
        this.#take(LITERAL_BYTES);
        if (!Number.isFinite(value)) throw NOT_PLAIN;
        // JSON has no negative zero.
        return value + 0;
      case 'boolean':
        this.#take(LITERAL_BYTES);
        return value;
      case 'undefined':
        this.#take(LITERAL_BYTES);
        return null;
      case 'object':
        this.#take(LITERAL_BYTES);
        return value && (Array.isArray(value) ? this.#array(value) : this.#record(value));
      default:
        throw NOT_PLAIN;
    }
  }

  #array(items: readonly unknown[]): unknown[] {
    if ('toJSON' in items) throw NOT_PLAIN;
    const copies: unknown[] = [];
    for (let index = 0; index < items.length; index++) copies.push(this.copy(items[index]));
    return copies;
  }

  #record(record: object): object {
    if (Object.getPrototypeOf(record) !== Object.prototype || 'toJSON' in record) throw NOT_PLAIN;
    const copies: Record<string, unknown> = {};
    for (const key of Object.keys(record)) {
      const value = (record as Record<string, unknown>)[key];
      if (value === undefined) continue;
      if (key === '__proto__') throw NOT_PLAIN;
      this.#take(key.length * ESCAPED_BYTES + 3);
      copies[key] = this.copy(value);
    }
    return copies;
  }

  #take(bytes: number): void {
    this.#leastRoomBytes -= bytes;
    if (this.#leastRoomBytes < 0) throw NOT_PLAIN;
  }
}

const TOO_LARGE = Symbol('too large');

/** What is wrong with a value, as the end of a sentence. */
class Unserialisable extends Error {}

/** Characters of a path in a message: keys may be long and many. */
const PATH_CHARS = 100;

class JsonWriter {
  readonly #limitBytes: number;
  readonly #pieces: string[] = [];
  readonly #open = new Set<object>();
  /** Keys and places from the root to the value that is being written. */
  readonly #trail: (string | number)[] = [];
  sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  text(): string {
    return this.#pieces.join('');
  }

  /** Where the writer is, for the message of a fault: `$.pages[2].text`. */
  path(): string {
    const steps = this.#trail
      .slice(0, PATH_CHARS)
      .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`));
    return `$${steps.join('')}`.slice(0, PATH_CHARS);
  }

  write(value: unknown): void {
    const shape = shapeOf(value, this.#limitBytes);
    switch (shape.kind) {
      case 'text':
        this.#string(shape.text);
        break;
      case 'literal':
        this.#emit(shape.json);
        break;
      default:
        this.#nested(value as object, shape);
    }
  }

  #nested(value: object, shape: Extract<Shape, { kind: 'other' | 'items' | 'members' }>): void {
    if (this.#open.has(value)) {
      this.#emit('"[Circular]"');
      return;
    }
    this.#open.add(value);
    if (shape.kind === 'other') this.write(shape.value);
    else if (shape.kind === 'items') this.#array(shape.items);
    else this.#record(shape.entries);
    this.#open.delete(value);
  }

  #array(items: readonly unknown[]): void {
    this.#emit('[');
    for (let index = 0; index < items.length; index++) {
      if (index > 0) this.#emit(',');
      this.#step(index, items[index]);
    }
    this.#emit(']');
  }

  #record(entries: readonly (readonly [string, unknown])[]): void {
    this.#emit('{');
    let isFirst = true;
    for (const [key, value] of entries) {
      if (value === undefined) continue;
      if (!isFirst) this.#emit(',');
      isFirst = false;
      this.#string(key);
      this.#emit(':');
      this.#step(key, value);
    }
    this.#emit('}');
  }

  /** The trail is left as it is when the value cannot be written: it says where that was. */
  #step(key: string | number, value: unknown): void {
    this.#trail.push(key);
    this.write(value);
    this.#trail.pop();
  }

  #string(text: string): void {
    // A text beyond the limit is not copied: its beginning is enough for the preview.
    if (text.length + 2 > this.#limitBytes - this.sizeBytes) {
      this.#pieces.push(text.slice(0, PREVIEW_CHARS));
      throw TOO_LARGE;
    }
    this.#emit(JSON.stringify(text));
  }

  #emit(piece: string): void {
    this.#pieces.push(piece);
    this.sizeBytes += Buffer.byteLength(piece);
    if (this.sizeBytes > this.#limitBytes) throw TOO_LARGE;
  }
}

/** A value as JSON knows it: a text, another literal, something else in its place, a list or members. */
type Shape =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'literal'; readonly json: string }
  | { readonly kind: 'other'; readonly value: unknown }
  | { readonly kind: 'items'; readonly items: readonly unknown[] }
  | { readonly kind: 'members'; readonly entries: readonly (readonly [string, unknown])[] };

function shapeOf(value: unknown, limitBytes: number): Shape {
  switch (typeof value) {
    case 'string':
      return { kind: 'text', text: value };
    case 'bigint':
      return { kind: 'text', text: value.toString() };
    case 'number':
    case 'boolean':
      return { kind: 'literal', json: JSON.stringify(value) };
    case 'undefined':
      return { kind: 'literal', json: 'null' };
    case 'function':
    case 'symbol':
      throw new Unserialisable(`is a ${typeof value}`);
    default:
      return value === null ? { kind: 'literal', json: 'null' } : shapeOfObject(value as object, limitBytes);
  }
}

function shapeOfObject(value: object, limitBytes: number): Shape {
  // biome-ignore lint/style/noRestrictedGlobals: a value is looked at, the time is not.
  if (value instanceof Date) {
    return Number.isNaN(value.getTime())
      ? { kind: 'literal', json: 'null' }
      : { kind: 'text', text: value.toISOString() };
  }
  // Before toJSON: that of a Buffer lists every byte as a number.
  if (isBytes(value)) {
    if (value.byteLength > limitBytes) throw TOO_LARGE;
    return { kind: 'text', text: bufferOf(value).toString('base64') };
  }
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') {
    const own = ownJson(value, toJSON as () => unknown);
    if (own !== value) return { kind: 'other', value: own };
  }
  if (isBoxed(value)) return { kind: 'other', value: value.valueOf() };
  if (Array.isArray(value)) return { kind: 'items', items: value };
  if (value instanceof Set) return { kind: 'items', items: [...value] };
  if (value instanceof Map) return shapeOfMap([...value]);
  if (value instanceof Error) {
    const { name, message } = value;
    // Some have them as members of their own too.
    return { kind: 'members', entries: Object.entries({ name, message, ...(value as object) }) };
  }
  return { kind: 'members', entries: Object.entries(value) };
}

const BOXES = [String, Number, Boolean, BigInt, Symbol];

/** Whether it is a primitive as an object, such as `new Number(5)`. */
function isBoxed(value: object): boolean {
  return BOXES.some((box) => value instanceof box);
}

function shapeOfMap(pairs: readonly (readonly [unknown, unknown])[]): Shape {
  return pairs.every((pair): pair is [string, unknown] => typeof pair[0] === 'string')
    ? { kind: 'members', entries: pairs as readonly (readonly [string, unknown])[] }
    : { kind: 'items', items: pairs };
}

function ownJson(value: object, toJson: () => unknown): unknown {
  try {
    return Reflect.apply(toJson, value, []);
  } catch {
    throw new Unserialisable('has a toJSON that throws');
  }
}
