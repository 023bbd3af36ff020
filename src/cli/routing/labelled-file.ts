import { createReadStream } from 'node:fs';
import * as z from 'zod';
import { messageOf } from '../../core/errors.js';
import { nearest } from '../../core/nearest.js';
import type { LabelledTask } from '../../strategies/capability-strategy.js';
import { ConfigurationError } from '../exit-code.js';
import { cutToWidth, onOneLine } from '../table.js';

/** Longest line, in characters: a file without line ends must not fill the memory. */
const MAX_LINE_CHARS = 1024 * 1024;

/** Most service names in an error. */
const MAX_NAMED = 20;

/** Most characters of a wrong name, and of a fault, that an error repeats. */
const MAX_NAME_CHARS = 80;
const MAX_FAULT_CHARS = 300;

const lineSchema = z.strictObject({ task: z.string().min(1), service: z.string().nullable() });

/**
 * Reads a file with one JSON object a line, `{ "task": "…", "service": "name" }` or `"service": null`, as a stream. Empty
 * lines are skipped.
 *
 * @throws ConfigurationError that names the file and the line when one cannot be read, is no such object, or names a
 * service that is not in `services`; and when there is none at all.
 */
export async function* readLabelledTasks(
  path: string,
  services: readonly string[],
): AsyncGenerator<LabelledTask> {
  const known = new Set(services);
  let number = 0;
  let isEmpty = true;
  for await (const line of linesOf(path)) {
    number++;
    if (line.trim() === '') continue;
    isEmpty = false;
    yield parseLine(line, `${path}, line ${number}`, known);
  }
  if (isEmpty) {
    throw new ConfigurationError(
      `${path} holds no labelled task; write one a line: {"task": "Scan this page", "service": "${services[0] ?? 'name'}"}.`,
    );
  }
}

function parseLine(line: string, where: string, known: ReadonlySet<string>): LabelledTask {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw noLabelledTask(where, messageOf(cause), cause);
  }
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => [...path, message].join(': '));
    throw noLabelledTask(where, faults.join('; '), parsed.error);
  }
  const { task, service } = parsed.data;
  if (service !== null && !known.has(service)) throw unknownService(service, where, known);
  return { text: task, service };
}

/** What a file holds is shown without its control characters. */
function noLabelledTask(where: string, fault: string, cause: unknown): ConfigurationError {
  const text = `${where} is no labelled task (${cutToWidth(onOneLine(fault), MAX_FAULT_CHARS)}); write {"task": "…", "service": "name"}, or null for the service of a task that belongs to none.`;
  return new ConfigurationError(text, { cause });
}

function unknownService(service: string, where: string, known: ReadonlySet<string>): ConfigurationError {
  // A name that long was never meant, and comparing it would take its length times theirs.
  const meant = service.length <= MAX_NAME_CHARS ? nearest(service, known) : undefined;
  const names = [...known].slice(0, MAX_NAMED).join(', ');
  const more = known.size > MAX_NAMED ? ` and ${known.size - MAX_NAMED} more` : '';
  return new ConfigurationError(
    `${where} names the service "${cutToWidth(onOneLine(service), MAX_NAME_CHARS)}", which is not registered${
      meant === undefined ? '' : ` (did you mean "${meant}"?)`
    }; known: ${names}${more}; null for a task that belongs to none.`,
  );
}

/** Lines without their ends; the last one may lack its own. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const stream = createReadStream(path, { encoding: 'utf8' });
  let rest = '';
  let number = 0;
  try {
    for await (const chunk of stream as AsyncIterable<string>) {
      const lines = chunk.split('\n');
      // The first piece goes on where the last chunk ended, the last one may go on in the next.
      lines[0] = rest + lines[0];
      rest = lines.pop() as string;
      for (const line of lines) yield withoutMark(line, number++);
      if (rest.length > MAX_LINE_CHARS) {
        throw new ConfigurationError(
          `${path}, line ${number + 1} is longer than ${MAX_LINE_CHARS} characters; write one task a line.`,
        );
      }
    }
  } catch (cause) {
    if (cause instanceof ConfigurationError) throw cause;
    throw new ConfigurationError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (rest !== '') yield withoutMark(rest, number);
}

/** Some editors begin a file with a byte order mark. */
function withoutMark(line: string, number: number): string {
  return number === 0 && line.startsWith('\uFEFF') ? line.slice(1) : line;
}
