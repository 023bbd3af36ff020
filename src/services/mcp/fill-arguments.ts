/** Fills the arguments of a tool from the words of a task: typed values only, and all of them or none. */

import type { DownstreamTool } from './tool-list.js';

/** A property of a schema, as far as it is understood here. */
interface Slot {
  readonly name: string;
  readonly type: string | undefined;
  readonly choices: readonly unknown[] | undefined;
  readonly isList: boolean;
  readonly isPlace: boolean;
}

/** What a text holds. */
interface Values {
  quoted: string[];
  places: string[];
  numbers: number[];
  /** The text without them. */
  rest: string;
}

/** A longer task holds more than arguments. */
const LONGEST_TASK = 2_048;
const QUOTED = /"([^"\n]+)"|'([^'\n]+)'|`([^`\n]+)`|“([^”\n]+)”|«([^»\n]+)»/gu;
const ADDRESS = /\b[a-z][a-z0-9+.-]*:\/\/[^\s,;]+/giu;
/** With a slash or an extension that begins with a letter. */
const PATH =
  /(?<![\p{L}\d])(?:~|\.{1,2})?\/?(?:[\w@%+=.-]+\/)+[\w@%+=.-]*|(?<![\p{L}\d/])\/[\w@%+=./-]*|(?<![\p{L}\d.])[\w-]+\.[a-z][a-z\d]{0,7}\b/giu;
const NUMBER = /(?<![\p{L}\d.])[-+]?\d+(?:\.\d+)?(?![\p{L}\d]|\.\d)/gu;
const PLACE_NAME = /path|file|dir|folder|ur[il]|source|destination|target/i;

/**
 * The arguments for a tool, or null when a required one finds no value of its type, or a value of the task finds no
 * place: then the task means something else.
 */
export function fillArguments(tool: DownstreamTool, task: string): Record<string, unknown> | null {
  if (task.length > LONGEST_TASK) return null;
  const { properties = {}, required = [] } = tool.definition.inputSchema;
  const slots = required.map((name) => slotOf(name, properties[name]));
  const values = valuesIn(task);
  const filled: Record<string, unknown> = {};
  // Places first: a quoted text may be one, and then it is no free text any more.
  for (const slot of [...slots.filter((it) => it.isPlace), ...slots.filter((it) => !it.isPlace)]) {
    const value = valueFor(slot, values);
    if (value === undefined) return null;
    filled[slot.name] = value;
  }
  const left = values.quoted.length + values.places.length + values.numbers.length;
  return left === 0 ? filled : null;
}

function slotOf(name: string, property: unknown): Slot {
  const { type, enum: choices, items } = (property ?? {}) as Readonly<Record<string, unknown>>;
  const isList = type === 'array';
  const item = (isList ? (items ?? {}) : {}) as Readonly<Record<string, unknown>>;
  const plain = isList ? item.type : type;
  return {
    name,
    type: typeof plain === 'string' ? plain : undefined,
    choices: Array.isArray(choices) ? choices : undefined,
    isList,
    isPlace: plain === 'string' && PLACE_NAME.test(name),
  };
}

function valueFor(slot: Slot, values: Values): unknown {
  if (slot.choices !== undefined) return slot.isList ? undefined : choiceIn(values.rest, slot.choices);
  const pool = slot.isPlace
    ? [values.places, values.quoted]
    : slot.type === 'string'
      ? [values.quoted]
      : slot.type === 'number' || slot.type === 'integer'
        ? [values.numbers]
        : [];
  const from = pool.find((each) => each.length > 0);
  if (from === undefined) return undefined;
  if (slot.isList) return from.splice(0);
  const [first] = from;
  if (slot.type === 'integer' && !Number.isInteger(first)) return undefined;
  return from.shift();
}

/** The one choice that stands in the text as a word. */
function choiceIn(text: string, choices: readonly unknown[]): unknown {
  const words = new Set(text.toLowerCase().split(/[^\p{L}\d_-]+/u));
  const named = choices.filter((choice) => typeof choice === 'string' && words.has(choice.toLowerCase()));
  return named.length === 1 ? named[0] : undefined;
}

function valuesIn(task: string): Values {
  const values: Values = { quoted: [], places: [], numbers: [], rest: '' };
  values.rest = [
    (text: string) =>
      text.replace(QUOTED, (_all, ...groups: unknown[]) =>
        keep(values.quoted, groups.slice(0, 5).find((group) => group !== undefined) as string),
      ),
    (text: string) => text.replace(ADDRESS, (address) => keep(values.places, address)),
    (text: string) => text.replace(PATH, (path) => keep(values.places, path.replace(/\.+$/, ''))),
    (text: string) => text.replace(NUMBER, (number) => keep(values.numbers, Number(number))),
  ].reduce((text, step) => step(text), task);
  return values;
}

function keep<T>(into: T[], value: T): string {
  into.push(value);
  return ' ';
}
