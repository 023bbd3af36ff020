import type { OrchestratorError } from './errors.js';
import type { TaskResult, TaskStatus } from './result.js';
import type { Route } from './route.js';

/**
 * The port of engines: where accepted tasks are kept and driven.
 *
 * The runtime (routing, mailboxes, instances) is the same under every engine. An engine decides when an accepted task may
 * go into it, is told what becomes of it, and gives the word that its caller may be told. One that keeps nothing beyond the
 * process has no keeper, and the runtime then takes its shortest way. A distributed one accepts a task by handing it to its
 * server (then `handOver` and `end` of {@link EngineRuntime}), and a worker of it runs what the server hands to its process
 * (`restore`, then `run`).
 */
export interface Engine {
  /** `local`, `journal`, `restate`, or a name of its own. */
  readonly kind: string;
  readonly capabilities: EngineCapabilities;
  /** Told of every task; null when tasks live in this process only. */
  readonly keeper: TaskKeeper | null;
  /** Tasks of this process and of earlier ones; null when none are kept. */
  readonly archive: TaskArchive | null;
  /** What others keep beside the tasks; null when nothing is kept. */
  shelf(name: string): Shelf | null;
  /** Takes up what earlier processes left. Called once, when the services are there. */
  start(runtime: EngineRuntime): void;
  /** Called once the runtime has stopped: tells the callers that are owed an answer and lets go of everything. */
  close(): Promise<void>;
}

/** What a user may rely on. */
export interface EngineCapabilities {
  /** What was accepted survives the end of the process. */
  readonly durable: boolean;
  /** Several processes work on the same tasks. */
  readonly distributed: boolean;
  /** How often the effects of an attempt can happen when processes die. */
  readonly delivery: 'at-most-once' | 'at-least-once';
  /** Ended tasks can be looked up, and failed ones tried again. */
  readonly keepsTasks: boolean;
  /** Tasks of a higher priority start first. */
  readonly priorities: boolean;
  /** Starts can be held back: `pause()`, `startPaused` and rate limits. */
  readonly pausing: boolean;
  /** What a service says of its progress reaches `onProgress`. */
  readonly progress: boolean;
}

/** A task as an engine sees it. It knows its task by identity: ids may be used again. */
export interface EngineTask {
  readonly id: string;
  readonly text: string;
  readonly settings: EngineTaskSettings;
  /** Attempts started. */
  readonly attempts: number;
}

/** What the caller asked for, in milliseconds. */
export interface EngineTaskSettings {
  readonly service: string | null;
  readonly kwargs: Readonly<Record<string, unknown>> | null;
  readonly priority: number;
  readonly timeoutMs: number;
  readonly queueTimeoutMs: number | null;
  readonly deadlineMs: number | null;
  readonly maxRetries: number;
  readonly idempotencyKey: string | null;
}

/** A task of an earlier process, as it was kept. */
export interface KeptTask {
  readonly id: string;
  readonly text: string;
  readonly settings: EngineTaskSettings;
  /** Attempts started so far. */
  readonly attempts: number;
  /** How long ago it was accepted, in milliseconds of the wall clock. */
  readonly ageMs: number;
}

/** What the runtime tells an engine that keeps tasks. Nothing of it throws. */
export interface TaskKeeper {
  /** Takes a task over: later `run` or `refuse` of {@link EngineRuntime} says what becomes of it. */
  accept(task: EngineTask): void;
  /** An attempt is to begin. Calls `begin` once it may: before it returns, or later. */
  attempt(task: EngineTask, service: string, begin: () => void): void;
  /** The task waits for another attempt, for so many milliseconds, and none is running. */
  rest(task: EngineTask, delayMs: number): void;
  /** A service's value as it can be kept, or why it cannot. */
  keepable(
    value: unknown,
    service: string,
  ): { readonly value: unknown } | { readonly error: OrchestratorError };
  /** The task ended: later `answer` of {@link EngineRuntime} tells its caller. */
  settle(task: EngineTask, result: TaskResult): void;
  /** Does at once what waits for the end of the turn. */
  commit(): void;
  /** Resolves once every caller whose task has been settled knows it. */
  told(): Promise<void>;
  /** A limit of the runtime has changed. */
  resize(change: LimitChange): void;
}

/** Which limit is which now: of all attempts, or of the attempts of one service. */
export type LimitChange =
  | { readonly maxParallel: number }
  | { readonly service: string; readonly concurrency: number };

/** How many attempts may run at once. */
export interface EngineLimits {
  readonly maxParallel: number;
  readonly services: ReadonlyMap<string, number>;
}

/** Where a task is to run, or why nowhere. */
export type EngineRoute =
  | { readonly service: string; readonly route: Route }
  | { readonly error: OrchestratorError };

/** What an engine may ask of the runtime. */
export interface EngineRuntime {
  /** Makes a task of an earlier process one of this runtime. It waits for {@link run}. */
  restore(kept: KeptTask): EngineTask;
  /** Makes the key of a task that has ended known, so that it is replayed. `ageMs`: how long ago it ended. */
  remember(kept: KeptTask, result: TaskResult, ageMs: number): void;
  /** Whether attempts of the service may be repeated after a crash; undefined when there is no such service. */
  isIdempotent(service: string): boolean | undefined;
  /** How many more tasks of a service would start at once if they came now; 0 while others wait for it. */
  room(service: string): number;
  /** Accepted: routes the tasks and starts them. */
  run(tasks: readonly EngineTask[]): void;
  /** Accepted, and run by another process: `end` follows. Its deadline is watched here too. */
  handOver(task: EngineTask): void;
  /** How a task that was handed over ended. */
  end(task: EngineTask, result: TaskResult): void;
  /** Where a task would go just now. */
  route(task: EngineTask): Promise<EngineRoute>;
  /** Ends a task that was restored, as its caller would: the signal of its attempt fires. */
  cancel(task: EngineTask, reason: unknown): void;
  /** The limits just now. */
  limits(): EngineLimits;
  /** Changes a limit of this process, without telling the engine. */
  resize(change: LimitChange): void;
  /** A task of an earlier process that must not go on. */
  interrupt(task: EngineTask, error: OrchestratorError): void;
  /** Not accepted. */
  refuse(task: EngineTask, error: OrchestratorError): void;
  /** Tells the caller of a task that was settled. */
  answer(task: EngineTask, result: TaskResult): void;
}

/** Where a kept task is, or how it ended. */
export type KeptStatus = 'queued' | 'running' | 'retrying' | TaskStatus;

/** One line of {@link TaskArchive.list}. */
export interface TaskSummary {
  readonly taskId: string;
  readonly status: KeptStatus;
  /** The service of its last attempt, or the one it ended with; null when none is known. */
  readonly serviceName: string | null;
  readonly attempts: number;
  /** ISO 8601. */
  readonly acceptedAt: string;
  /** ISO 8601; null while it is open. */
  readonly endedAt: string | null;
  readonly errorCode: string | null;
}

/** All that is kept of a task. */
export interface TaskDetail extends TaskSummary {
  /** What to do, in the caller's words. */
  readonly task: string;
  readonly kwargs: Readonly<Record<string, unknown>> | null;
  readonly idempotencyKey: string | null;
  /** Null while it is open. */
  readonly result: TaskResult | null;
}

/** Which tasks to list. */
export interface TaskFilter {
  /** `open`: not ended. `dead`: ended without success and not by a cancel. Default: all. */
  readonly which?: 'open' | 'dead' | KeptStatus;
  /** Most lines, the latest of them. Default 1000. */
  readonly most?: number;
}

/** The tasks that an engine keeps. */
export interface TaskArchive {
  /** In order of their acceptance. */
  list(filter?: TaskFilter): TaskSummary[];
  /** A task, as long as it is kept. */
  find(taskId: string): TaskDetail | undefined;
  /** Resolves with the result of a task, at once when it has ended; undefined when no such task is kept. */
  result(taskId: string): Promise<TaskResult> | undefined;
  /**
   * Accepts a task that ended without success again, under its id, with its attempts counted anew.
   *
   * @returns False when no such task is kept.
   */
  retry(taskId: string): Promise<boolean>;
}

/**
 * Small texts by key that survive the process. What is written is kept by the end of the turn, or as soon as the engine's
 * server has it.
 */
export interface Shelf {
  put(key: string, text: string): void;
  drop(key: string): void;
  /** The text of a key, also one that another process put; undefined when there is none. */
  find(key: string): Promise<string | undefined>;
  /** What this process is to take up at its start, in the order in which it was put. */
  entries(): readonly (readonly [key: string, text: string])[];
  /** Resolves once all that was put is kept. */
  kept(): Promise<void>;
}
