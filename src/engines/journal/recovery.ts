import type { KeptTask } from '../../core/engine.js';
import { interrupted, type OrchestratorError } from '../../core/errors.js';
import type { TaskBody } from '../../core/journal-record.js';
import type { TaskResult } from '../../core/result.js';
import { writeJson } from '../../core/safe-json.js';
import type { KeptEntry } from './books.js';

/** What becomes of a task that an earlier process left open. */
export type Verdict =
  | { readonly kind: 'run'; readonly crashes: number }
  | { readonly kind: 'interrupted'; readonly error: OrchestratorError };

/**
 * Whether a task may go on. One with no attempt under way may; one whose attempt died with the process only if its service
 * is idempotent, and only so often: a task that kills the process must not do so for ever.
 */
export function judge(
  { state, service, attempts, crashes }: KeptEntry,
  { isIdempotent, mostCrashes }: { readonly isIdempotent: boolean; readonly mostCrashes: number },
): Verdict {
  if (state !== 'running') return { kind: 'run', crashes };
  const counted = crashes + 1;
  if (isIdempotent && counted < mostCrashes) return { kind: 'run', crashes: counted };
  return {
    kind: 'interrupted',
    error: interrupted(service ?? 'unknown', attempts, isIdempotent ? counted : 1),
  };
}

/** A task as it was accepted, and how far it has come. */
export function keptOf(
  { id, attempts, acceptedAtMs }: KeptEntry,
  { text, key, ...asked }: TaskBody & { readonly key: string | null },
): KeptTask {
  // The wall clock may have been set back meanwhile.
  const ageMs = Math.max(0, Date.now() - acceptedAtMs);
  return { id, text, settings: { ...asked, idempotencyKey: key }, attempts, ageMs };
}

/** What the caller asked for, as it lies in the file. */
export function bodyOf(text: string, asked: Omit<TaskBody, 'text'>): string {
  const { service, kwargs, priority, maxRetries } = asked;
  const body: TaskBody = {
    text,
    service,
    kwargs,
    priority,
    timeoutMs: finite(asked.timeoutMs),
    queueTimeoutMs: asked.queueTimeoutMs && finite(asked.queueTimeoutMs),
    deadlineMs: asked.deadlineMs && finite(asked.deadlineMs),
    maxRetries,
  };
  return JSON.stringify(body);
}

/** JSON has no infinite numbers, and no wait is that long. */
function finite(ms: number): number {
  return Math.min(ms, Number.MAX_SAFE_INTEGER);
}

/** A result as it lies in the file. Total: what services say of an error, and strategies of a route, may be anything. */
export function resultText(result: TaskResult): string {
  try {
    return JSON.stringify(result);
  } catch {
    const written = writeJson(result, Number.POSITIVE_INFINITY);
    return written.kind === 'json'
      ? written.json
      : JSON.stringify({ ...result, errorDetails: null, route: null });
  }
}
