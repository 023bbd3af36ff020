import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from '../core/nearest.js';
import { UsageError } from './exit-code.js';

/** One flag of a command, and its line in the help. */
export interface Flag {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  readonly short?: string;
  /** Placeholder of the value in the help, for instance `SECONDS`. */
  readonly value?: string;
  /** What a flag with a value means when it is given without one. */
  readonly valueIfBare?: string;
  readonly help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** A command line, parsed. The readers throw {@link UsageError} with the flag, the rule and the value. */
export interface Arguments {
  readonly positionals: readonly string[];
  isSet(flag: string): boolean;
  text(flag: string): string | undefined;
  texts(flag: string): readonly string[];
  /** A finite number of at least `least`; whole when `isWhole`, and then one that is counted exactly. */
  number(flag: string, rule: NumberRule): number | undefined;
}

/** What a number must be. `above` excludes its bound, `least` and `most` include theirs. */
export interface NumberRule {
  readonly least?: number;
  readonly above?: number;
  readonly most?: number;
  readonly isWhole?: boolean;
}

/**
 * Parses what follows a command.
 *
 * @throws UsageError that names an unknown flag and the nearest known one, or the flag whose value is missing.
 */
export function parseFlags(argv: readonly string[], flags: Flags): Arguments {
  const { values, positionals } = parseStrictly(argv, flags);
  const text = (flag: string): string | undefined => {
    const value = values[flag];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    positionals,
    isSet: (flag) => values[flag] === true,
    text,
    texts: (flag) => [values[flag] ?? []].flat().filter((value) => typeof value === 'string'),
    number: (flag, rule) => parseNumber(flag, text(flag), rule),
  };
}

type OptionDescriptor = NonNullable<ParseArgsConfig['options']>[string];

function parseStrictly(given: readonly string[], flags: Flags) {
  const argv = given.map((arg, index) => withValue(arg, given[index + 1], flags));
  const options = Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, descriptorOf(flag)]));
  refuseUnknown(argv, flags, options);
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (cause) {
    // Node's own words are good: they name the flag and what it misses.
    throw new UsageError(cause instanceof Error ? cause.message : String(cause));
  }
}

/** A flag whose value may be left out stands alone at the end and before another flag. */
function withValue(arg: string, next: string | undefined, flags: Flags): string {
  const valueIfBare = arg.startsWith('--') ? flags[arg.slice(2)]?.valueIfBare : undefined;
  const isBare = next === undefined || next.startsWith('-');
  return valueIfBare !== undefined && isBare ? `${arg}=${valueIfBare}` : arg;
}

function descriptorOf({ type, multiple = false, short }: Flag): OptionDescriptor {
  return short === undefined ? { type, multiple } : { type, multiple, short };
}

function refuseUnknown(
  argv: readonly string[],
  flags: Flags,
  options: Record<string, OptionDescriptor>,
): void {
  const { tokens } = parseArgs({
    args: [...argv],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option' || token.name in flags) continue;
    const meant = nearest(token.name, Object.keys(flags));
    const hint =
      meant === undefined ? ' A task that begins with "-" goes after "--".' : ` Did you mean --${meant}?`;
    throw new UsageError(`There is no flag ${token.rawName}.${hint}`);
  }
}

function parseNumber(flag: string, text: string | undefined, rule: NumberRule): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  const {
    least = Number.NEGATIVE_INFINITY,
    above = Number.NEGATIVE_INFINITY,
    most = Number.MAX_VALUE,
  } = rule;
  const isInRange = text.trim() !== '' && value >= least && value > above && value <= most;
  const isTooLong = rule.isWhole === true && value > Number.MAX_SAFE_INTEGER;
  if (isInRange && !isTooLong && (!rule.isWhole || Number.isInteger(value))) return value;
  const told = isTooLong ? { most: Number.MAX_SAFE_INTEGER, ...rule } : rule;
  throw new UsageError(`--${flag} must be ${describe(told)}, not "${text}".`);
}

function describe({ least, above, most, isWhole = false }: NumberRule): string {
  const bounds = [
    ...(least === undefined ? [] : [`at least ${least}`]),
    ...(above === undefined ? [] : [`above ${above}`]),
    ...(most === undefined ? [] : [`at most ${most}`]),
  ];
  return `a ${isWhole ? 'whole ' : ''}number ${bounds.join(' and ')}`.trim();
}
