import type { ActorScope, EventObject, Snapshot } from 'xstate';
import type { ErrorCode } from '../core/errors.js';
import type { ChangeListener, OrchestratorPort, OrchestratorStats } from '../core/orchestrator-port.js';
import type { TaskResult, TaskStatus } from '../core/result.js';
import type { InstanceState } from '../core/service.js';
import type { TaskOptions } from '../core/task.js';

/** Whatever system an actor is in; XState has no public name for it. */
export type AnySystem = ActorScope<Snapshot<unknown>, EventObject>['system'];

/** What the actor needs of an orchestrator: every `Orchestrator` fits. */
export interface SteeredOrchestrator extends OrchestratorPort {
  watch(listener: ChangeListener): () => void;
  pause(): unknown;
  resume(): unknown;
  setMaxParallel(maxParallel: number): unknown;
}

/** Options of a task that are plain data, so that the event can be written down. */
export type ExecuteOptions = Omit<TaskOptions, 'signal' | 'onProgress' | 'taskId'>;

/** What the actor is sent. */
export type OrchestratorCommand =
  /** Runs a task. `id` is the sender's own name for it, and no other open task of this actor has it. */
  | {
      readonly type: 'EXECUTE';
      readonly id: string;
      readonly task: string;
      readonly options?: ExecuteOptions;
    }
  | { readonly type: 'CANCEL'; readonly id: string; readonly reason?: string }
  | { readonly type: 'PAUSE' | 'RESUME' }
  | { readonly type: 'SET_MAX_PARALLEL'; readonly maxParallel: number }
  /** Takes no more tasks, gives the open ones `drainSeconds` (default 0), and is done. */
  | { readonly type: 'CLOSE'; readonly drainSeconds?: number };

/** What the actor sends to its parent, and emits. */
export type OrchestratorNotice =
  | {
      readonly type: 'TASK_PROGRESS';
      readonly id: string;
      /** 0 to 1. */
      readonly progress: number;
      readonly message: string | undefined;
    }
  | { readonly type: 'TASK_SETTLED'; readonly id: string; readonly result: TaskResult }
  /** A command that was not valid; nothing was done. `id` is that of an `EXECUTE`, else null. */
  | {
      readonly type: 'COMMAND_REFUSED';
      readonly command: OrchestratorCommand['type'];
      readonly id: string | null;
      readonly error: string;
    };

/** The actor's snapshot. Its output, once it is closed, are the last counts of the orchestrator. */
export type OrchestratorSnapshot = Snapshot<OrchestratorStats> & { readonly context: OrchestratorView };

/** A task that ended: what may be written down of it. */
export interface EndedTask {
  /** The sender's own name for it. */
  readonly id: string;
  readonly taskId: string;
  readonly status: TaskStatus;
  readonly serviceName: string | null;
  readonly errorCode: ErrorCode | null;
  /** Seconds. */
  readonly executionTime: number;
}

/** What a snapshot shows. */
export interface OrchestratorView {
  /** Ids of the tasks that have not ended, in the order in which they came. */
  readonly open: readonly string[];
  /** The last 50 that ended, the latest last. */
  readonly ended: readonly EndedTask[];
  readonly services: readonly {
    readonly name: string;
    readonly state: InstanceState;
    readonly queued: number;
  }[];
  /** Null before the actor has started. */
  readonly stats: OrchestratorStats | null;
  readonly isClosing: boolean;
}
