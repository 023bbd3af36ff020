import { styleText } from 'node:util';

/** How a level looks on a terminal. */
const LEVELS: Readonly<Record<number, string>> = {
  10: styled('gray', 'trace'),
  20: styled('gray', 'debug'),
  30: styled('green', 'info '),
  40: styled('yellow', 'warn '),
  50: styled('red', 'error'),
  60: styled('red', 'fatal'),
};

/** Said on every line of a file, and known to whoever sits at the terminal. */
const LEFT_OUT = new Set(['level', 'time', 'pid', 'hostname', 'msg']);

/**
 * A JSON line of the log as people read it: time, level, phrase, then the fields; the stack of an error follows on lines of
 * its own. Nothing in it can steer the terminal, whoever it comes from. What is no JSON line stays as it is.
 */
export function prettyLine(line: string): string {
  const facts = factsIn(line);
  if (facts === null) return `${harmless(line.trimEnd())}\n`;
  const stacks: string[] = [];
  const fields = Object.entries(facts).flatMap(([name, value]) => {
    if (LEFT_OUT.has(name)) return [];
    const stack = stackOf(value);
    if (stack === undefined) return [`${styled('dim', `${harmless(name)}=`)}${fieldText(value)}`];
    stacks.push(stack);
    return [];
  });
  const { level, time, msg } = facts;
  const head = [
    clock(time),
    LEVELS[Number(level)] ?? String(level),
    harmless(String(msg ?? '')),
    ...fields,
  ].join(' ');
  return `${[head, ...stacks.map((stack) => indented(harmless(stack)))].join('\n')}\n`;
}

function factsIn(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const facts: unknown = JSON.parse(line);
    return typeof facts === 'object' ? (facts as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

function styled(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text);
}

function clock(time: unknown): string {
  const date = new Date(Number(time));
  return styled('dim', Number.isNaN(date.getTime()) ? '--:--:--.---' : date.toISOString().slice(11, 23));
}

function stackOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('stack' in value)) return undefined;
  return typeof value.stack === 'string' ? value.stack : undefined;
}

function fieldText(value: unknown): string {
  const isPlain = typeof value === 'string' && /^[\w.:/#@-]+$/.test(value);
  return isPlain ? value : harmless(JSON.stringify(value) ?? 'undefined');
}

/** Control characters could move the cursor, change the title or hide text. */
function harmless(text: string): string {
  return text.replace(/(?!\n)\p{Control}|[\u202A-\u202E\u2066-\u2069]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

function indented(text: string): string {
  return text.replace(/^/gm, '    ');
}
