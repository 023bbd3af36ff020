import type { Shelf } from './engine.js';
import type { MachineDocument } from './machine-document.js';
import type { TaskResult } from './result.js';
import type { Route } from './route.js';
import type { ServiceStatus } from './service.js';
import type { BatchOptions, Subtask, SubtasksOptions, TaskInput, TaskOptions } from './task.js';

/** Counts of the moment, and of the time since the start. */
export interface OrchestratorStats {
  readonly maxParallel: number;
  /** Attempts running; abandoned ones and tasks in backoff are not among them. */
  readonly running: number;
  /** Tasks waiting in a mailbox or for their route. */
  readonly queued: number;
  /** Tasks in backoff. */
  readonly retrying: number;
  /** Attempts that were given up while their code still runs. */
  readonly abandoned: number;
  /**
   * Tasks. A submission that joined another's task by its idempotency key, or replayed its result, is none of its own
   * unless its caller left before the end.
   */
  readonly submitted: number;
  readonly completed: number;
  /** Those among them that a crash interrupted. */
  readonly failed: number;
  readonly timedOut: number;
  readonly cancelled: number;
  readonly rejected: number;
  /** Answers that came after their attempt had been given up, and were dropped. */
  readonly lateSettlements: number;
  readonly isPaused: boolean;
}

/** Told of a change: the service that it concerns, or null when it concerns no single one. */
export type ChangeListener = (service: string | null) => void;

/** What the faces (MCP, command line, adapters) need of the orchestrator, and all they may use. */
export interface OrchestratorPort {
  execute(task: string, options?: TaskOptions): Promise<TaskResult>;
  executeParallel(tasks: readonly TaskInput[], options?: BatchOptions): Promise<TaskResult[]>;
  executeSubtasks(subtasks: readonly Subtask[], options?: SubtasksOptions): Promise<TaskResult[]>;
  explain(task: string): Promise<Route>;
  listServices(): ServiceStatus[];
  stats(): OrchestratorStats;
  /**
   * Calls the listener whenever what {@link listServices} or {@link stats} answer has changed. Costs nothing while there
   * is no listener; with many changes a listener is called as often. Absent when the orchestrator cannot tell.
   *
   * @returns What ends that.
   */
  watch?(listener: ChangeListener): () => void;
  /** The state machines that do the work. Absent when the orchestrator cannot show them. */
  machines?(): readonly MachineDocument[];
  /**
   * A place for small texts that survive the process; null when the engine keeps nothing. Absent when the orchestrator
   * cannot tell.
   */
  shelf?(name: string): Shelf | null;
  close(options?: { readonly drainSeconds?: number }): Promise<void>;
}
