import { createHash } from 'node:crypto';
import { idempotencyConflict, misuse } from '../../core/errors.js';
import { RUN_KEY } from '../../core/task.js';
import type { Run } from './run.js';

/** Characters of a caller's key that stay readable in its scoped form, which has 48 more and may have 256. */
const READABLE_CHARS = 200;

/** Principal, key and the work that it stands for. */
export interface KeyClaim {
  readonly principal: string | null;
  readonly key: string;
  /** What {@link fingerprintOf} makes of the tool and its arguments. */
  readonly fingerprint: string;
}

/**
 * Owns: which run belongs to which idempotency key. Invariant L1: a key means something to its own principal only.
 */
export class RunKeys {
  readonly #claims = new Map<string, { readonly run: Run; readonly fingerprint: string }>();
  readonly #scopedKeys = new Map<Run, string>();

  /** The run that the key stands for, if there is one. @throws OrchestratorError `IDEMPOTENCY_CONFLICT` */
  find({ principal, key, fingerprint }: KeyClaim): Run | undefined {
    const claim = this.#claims.get(scopeKey(principal, key));
    if (claim === undefined) return undefined;
    if (claim.fingerprint !== fingerprint) throw idempotencyConflict(key);
    return claim.run;
  }

  add({ principal, key, fingerprint }: KeyClaim, run: Run): void {
    const scoped = scopeKey(principal, key);
    this.#claims.set(scoped, { run, fingerprint });
    this.#scopedKeys.set(run, scoped);
  }

  has(run: Run): boolean {
    return this.#scopedKeys.has(run);
  }

  forget(run: Run): void {
    const scoped = this.#scopedKeys.get(run);
    if (scoped === undefined) return;
    this.#scopedKeys.delete(run);
    this.#claims.delete(scoped);
  }
}

/** A key under which no other principal, and nobody beside MCP, has a task: the orchestrator knows no principals. */
function scopeKey(principal: string | null, key: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([principal, key]))
    .digest('base64url');
  return `${RUN_KEY}${key.slice(0, READABLE_CHARS)}#${digest}`;
}

/** Options of a task with its key scoped to a principal; without a key they stay as they are. */
function withScopedKey<T extends { readonly idempotencyKey?: string | undefined }>(
  options: T,
  principal: string | null,
): T {
  const { idempotencyKey } = options;
  if (idempotencyKey === undefined) return options;
  return { ...options, idempotencyKey: scopeKey(principal, idempotencyKey) };
}

/** As {@link withScopedKey}; without a key they get that of their run, if it has one for them. */
export function withTaskKey<T extends { readonly idempotencyKey?: string | undefined }>(
  options: T,
  { principal, runKey }: { readonly principal: string | null; readonly runKey: string | undefined },
): T {
  if (options.idempotencyKey !== undefined || runKey === undefined) return withScopedKey(options, principal);
  return { ...options, idempotencyKey: runKey };
}

/**
 * A digest that is the same for equal arguments, in whatever order their members come. How long a call waits says nothing
 * of its work.
 *
 * @throws TypeError for arguments that are nested too deep.
 */
export function fingerprintOf(toolName: string, args: object): string {
  const { waitSeconds: _, ...work } = args as { readonly waitSeconds?: unknown };
  try {
    const json = JSON.stringify([toolName, sorted(work)]);
    return createHash('sha256').update(json).digest('base64url');
  } catch {
    throw misuse('The arguments are nested too deep for a call with an idempotencyKey.');
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  // As pairs: an object would put members with whole numbers for names first, and lose "__proto__".
  return { members: entries.map(([key, each]) => [key, sorted(each)]) };
}
