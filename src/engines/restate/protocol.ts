import type { EngineTask, EngineTaskSettings } from '../../core/engine.js';
import type { TaskResult } from '../../core/result.js';
import type { Route } from '../../core/route.js';
import { isKeyOfOneRun } from '../../core/task.js';

/**
 * What travels between the processes that accept tasks, the Restate server and the workers. All of it is JSON. Times are
 * milliseconds of the wall clock: the clocks of the machines are taken to agree within what deadlines allow for.
 */

/** Names at the server, made of the namespace, so that several sets of services share one server. */
export interface Names {
  /** One invocation per task: its attempts and its waits. */
  readonly task: string;
  /** One invocation per attempt, under the limits. */
  readonly attempt: string;
  /** Texts by key. */
  readonly shelf: string;
  /** The scope of the limits. */
  readonly scope: string;
}

export function namesOf(namespace: string): Names {
  return {
    task: `${namespace}.task`,
    attempt: `${namespace}.attempt`,
    shelf: `${namespace}.shelf`,
    scope: namespace,
  };
}

/** A task as it is handed to the server. */
export interface TaskMessage {
  readonly id: string;
  readonly text: string;
  readonly settings: EngineTaskSettings;
  /** Where it was routed, and why. */
  readonly service: string;
  readonly route: Route;
  /** Whether its attempts may be repeated after a crash. */
  readonly isIdempotent: boolean;
  /** Of the process that accepted it. */
  readonly acceptedAtMs: number;
  /** Digest of what must be the same for the same idempotency key. */
  readonly fingerprint: string;
  /** How far it came before it was handed to the outer handler; left out when that has it from the start. */
  readonly begun?: Begun;
}

/** A task whose first attempt is over. */
export interface Begun {
  /** The attempt that is to follow. */
  readonly number: number;
  /** Start of the first attempt; null when none was made. */
  readonly startedAtMs: number | null;
  /** The wait before it, in milliseconds. */
  readonly delayMs: number;
}

/** One attempt as it is handed to a worker. */
export interface AttemptMessage {
  readonly task: TaskMessage;
  /** 1, 2, … */
  readonly number: number;
  /** Awakeable that is resolved once the attempt has a slot; null when nobody waits for that. */
  readonly startedId: string | null;
}

/** What a worker says of an attempt. */
export type AttemptOutcome =
  | {
      readonly kind: 'ended';
      readonly result: TaskResult;
      readonly startedAtMs: number;
      readonly endedAtMs: number;
    }
  /** It failed, and the task may be tried again after a wait. */
  | { readonly kind: 'again'; readonly delayMs: number; readonly startedAtMs: number }
  /** No attempt was made: the service's circuit is open on that worker, or the worker stops. */
  | { readonly kind: 'not-now'; readonly delayMs: number };

/** What the server keeps as the end of a task. */
export interface TaskEnd {
  readonly result: TaskResult;
  readonly fingerprint: string;
}

/** What the server keeps of a task whose first attempt was not its last: the invocation that goes on with it. */
export interface TaskGoesOn {
  readonly goesOnAs: string;
}

/** What the shelf keeps under a key. */
export interface ShelfText {
  readonly text: string;
  /** How long, in milliseconds. */
  readonly keepMs: number;
}

/** What a limit may be named by at the server. */
const PLAIN_KEY = /^(?!h\.)[a-zA-Z0-9_.-]{1,36}$/;

/** The name of a service among the limits of the scope: its own where the server allows it, else a digest. */
export function limitKeyOf(service: string): string {
  return PLAIN_KEY.test(service) ? service : `h.${digest(service).slice(0, 27)}`;
}

/** What of a caller's key can stand in a header as it is. */
const PLAIN_HEADER = /^[\w.:@/+-]{1,200}$/;

/**
 * Where a task is handed over. Most need one attempt, and go to the limits at once; the outer handler takes over when another
 * is to follow. One with a limit on its waiting goes to the outer handler, which watches it; so does one with a key of the
 * caller's own, which has to lead to the same invocation whatever the limits are that come with it.
 */
export function pathOf(names: Names, { settings, service }: TaskMessage): string {
  const { deadlineMs, queueTimeoutMs, idempotencyKey } = settings;
  const isWatched = deadlineMs !== null || queueTimeoutMs !== null;
  return isWatched || (idempotencyKey !== null && !isKeyOfOneRun(idempotencyKey))
    ? `${names.task}/run/send`
    : `restate/scope/${names.scope}/send/${names.attempt}/first?limit-key=${limitKeyOf(service)}`;
}

/** The key under which the server knows the task: that of its caller, or a digest of it, or one of its own. */
export function invocationKeyOf({ settings: { idempotencyKey } }: EngineTask): string {
  if (idempotencyKey === null) return `task:${crypto.randomUUID()}`;
  return PLAIN_HEADER.test(idempotencyKey) ? `key:${idempotencyKey}` : `digest:${digest(idempotencyKey)}`;
}

/** The same for the same words, service and kwargs, whatever the order of members. */
export function fingerprintOf({ text, settings: { service, kwargs } }: EngineTask): string {
  return digest(JSON.stringify([text, service, sorted(kwargs)]));
}

function digest(text: string): string {
  // Loaded here: everybody who imports the library would pay for it.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(text).digest('base64url');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)]);
}
