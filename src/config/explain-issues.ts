import type * as z from 'zod';
import { nearest } from '../core/nearest.js';
import type { ConfigProblem } from './config-error.js';
import { looksSecret, mayBeShown } from './secrets-in-config.js';

type Issue = z.core.$ZodIssue;
type Path = readonly (string | number)[];

/** A fault before its line is known. */
export type Finding = Pick<ConfigProblem, 'path' | 'message'>;

/**
 * Checks a value and says what is wrong with it, all of it at once, in words that name the rule, the value seen and what
 * was probably meant.
 *
 * @param shown - The value as the file has it, before `${env:…}` was filled in: only this may stand in messages.
 */
export function checkAgainst<S extends z.ZodType>(
  schema: S,
  value: unknown,
  shown: unknown,
): { readonly data: z.output<S>; readonly findings: [] } | { readonly findings: readonly Finding[] } {
  const parsed = schema.safeParse(value, { error: nameKnownKeys });
  if (parsed.success) return { data: parsed.data, findings: [] };
  return { findings: parsed.error.issues.flatMap((issue) => explain(issue, [], shown)) };
}

/** The one thing that an issue does not tell afterwards: which keys the object may have. */
function nameKnownKeys(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'unrecognized_keys') return undefined;
  const definition = issue.inst?._zod.def as { readonly shape?: object } | undefined;
  return Object.keys(definition?.shape ?? {}).join(' ');
}

function explain(issue: Issue, parents: Path, shown: unknown): Finding[] {
  const path = [...parents, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  const seen = seenAt(path, shown);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) =>
        looksSecret(key)
          ? { path, message: 'holds a value where the name of a key belongs' }
          : { path: [...path, key], message: unknownKey(key, issue.message) },
      );
    case 'invalid_type':
      return [
        {
          path,
          message: seen.isMissing
            ? `is missing; it must be ${article(issue.expected)}`
            : wrongType(issue.expected, seen),
        },
      ];
    case 'invalid_value':
      return [{ path, message: notAmong(issue.values.map(String), seen) }];
    case 'invalid_union':
      return explainUnion(issue, path, shown);
    case 'invalid_key':
      return [
        {
          // The last part of the path is the name itself.
          path: looksSecret(String(path.at(-1))) ? path.slice(0, -1) : path,
          message: `this name cannot be used: ${issue.issues.map(({ message }) => message).join('; ')}`,
        },
      ];
    default:
      return [
        { path, message: `${lowerFirst(issue.message)}${seen.text === null ? '' : `; got ${seen.text}`}` },
      ];
  }
}

function explainUnion(issue: z.core.$ZodIssueInvalidUnion, path: Path, shown: unknown): Finding[] {
  if (issue.errors.length === 0) {
    // The value names its form by one key, and none has this name.
    const known = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
    return [{ path, message: notAmong(known, seenAt(path, shown)) }];
  }
  // The form that was meant is the one whose faults lie deepest: it was not refused as a whole.
  const atTop = (issues: readonly Issue[]): number => issues.filter((each) => each.path.length === 0).length;
  const [best] = issue.errors.toSorted((a, b) => atTop(a) - atTop(b) || a.length - b.length);
  return (best ?? []).flatMap((each) => explain(each, path, shown));
}

function unknownKey(key: string, knownKeys: string): string {
  const known = knownKeys.split(' ').filter((name) => name !== '');
  const meant = nearest(key, known);
  const hint = meant === undefined ? `; known: ${known.join(', ')}` : `, did you mean "${meant}"?`;
  return `unknown key "${key}"${hint}`;
}

interface Seen {
  readonly isMissing: boolean;
  /** As it may be shown; null when it may not. */
  readonly text: string | null;
  /** What it is, which may be shown of every value. */
  readonly kind: string;
}

function seenAt(path: Path, shown: unknown): Seen {
  let value = shown;
  for (const part of path) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined;
  }
  const isPlain = typeof value !== 'object' || value === null;
  const kind = kindOf(value);
  const text =
    value !== undefined && mayBeShown(path, value) ? (isPlain ? cut(JSON.stringify(value)) : kind) : null;
  return { isMissing: value === undefined, text, kind };
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'null';
  return article(typeof value);
}

function wrongType(expected: string, { text, kind }: Seen): string {
  return `must be ${article(expected)}, not ${text ?? kind}`;
}

function notAmong(values: readonly string[], { isMissing, text }: Seen): string {
  const known = values.map((value) => JSON.stringify(value)).join(', ');
  const rule = values.length === 1 ? known : `one of ${known}`;
  if (isMissing) return `is missing; it must be ${rule}`;
  const meant = text === null ? undefined : nearest(text.replaceAll('"', ''), values);
  const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
  return `must be ${rule}${text === null ? '' : `, not ${text}`}${hint}`;
}

function article(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    array: 'a list',
    record: 'an object',
    object: 'an object',
    int: 'a whole number',
    string: 'a text',
  };
  return words[expected] ?? `a ${expected}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function cut(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}
