import * as errors from '../core/errors.js';
import { writeJson } from '../core/safe-json.js';
import { isPlain } from './plain.js';

/** Objects within objects that kwargs may have: fewer than would overflow the stack. */
const DEEPEST = 1000;

/** A value as it can be kept, or why it cannot. */
export type KeptValue = { readonly value: unknown } | { readonly error: errors.OrchestratorError };

/** A service's value as JSON of at most so many bytes keeps it. */
export function asKept(value: unknown, service: string, maxBytes: number): KeptValue {
  if (value === undefined) return { value: null };
  if (isPlain(value, maxBytes)) return { value };
  const written = writeJson(value, maxBytes);
  switch (written.kind) {
    case 'json':
      return { value: JSON.parse(written.json) };
    case 'too-large':
      return { error: errors.resultTooLarge(service, maxBytes, written.preview) };
    case 'unserialisable':
      return { error: errors.unserialisable(service, written.why) };
  }
}

/** Why a task cannot be kept as JSON of at most so many bytes; null when it can. */
export function whyNotKept(
  text: string,
  kwargs: Readonly<Record<string, unknown>> | null,
  maxBytes: number,
): errors.OrchestratorError | null {
  if (text.length > maxBytes)
    return errors.notRecordable('The task', `it is longer than maxRecordBytes (${maxBytes})`);
  if (kwargs === null || isPlain(kwargs, maxBytes) || isPlainJson(kwargs, maxBytes)) return null;
  const rule = `they must be plain JSON of at most maxRecordBytes (${maxBytes}), so that the task can run after a restart`;
  return errors.notRecordable("The task's kwargs", rule);
}

/** What {@link isPlain} leaves open of values that are large or deep. */
function isPlainJson(value: unknown, maxBytes: number): boolean {
  return (
    isPlain(value, Number.POSITIVE_INFINITY, DEEPEST) && Buffer.byteLength(JSON.stringify(value)) <= maxBytes
  );
}
