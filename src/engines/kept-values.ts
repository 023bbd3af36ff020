import { isDeepStrictEqual } from 'node:util';
import * as errors from '../core/errors.js';
import { writeJson } from '../core/safe-json.js';
import { isPlain } from './plain.js';

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
  if (kwargs === null || isPlain(kwargs, maxBytes) || isSameAsJson(kwargs, maxBytes)) return null;
  const rule = `they must be plain JSON of at most maxRecordBytes (${maxBytes}), so that the task can run after a restart`;
  return errors.notRecordable("The task's kwargs", rule);
}

/** What {@link isPlain} leaves open, because a value is large or deep: decided by writing and reading it. */
function isSameAsJson(value: unknown, maxBytes: number): boolean {
  const written = writeJson(value, maxBytes);
  try {
    return written.kind === 'json' && isDeepStrictEqual(JSON.parse(written.json), value);
  } catch {
    // Nested too deep to be compared.
    return false;
  }
}
