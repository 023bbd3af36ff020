/**
 * The life of an orchestrator as one XState actor.
 *
 * Owns: the open tasks that it was sent and their cancels; the orchestrator too, when it was made for it. Talks to: the
 * orchestrator, its parent, and itself, by events of its own. Invariants:
 * - L1 every task that was taken is told `TASK_SETTLED` once, unless the actor is stopped before;
 * - L2 state first: who is told of an end finds the task among those that ended;
 * - L3 a snapshot holds no text, argument, result or error text;
 * - L4 what is open and what is remembered is bounded.
 */
import type { ActorScope } from 'xstate';
import { systemClock } from '../core/clock.js';
import { messageOf, misuse } from '../core/errors.js';
import type { TaskResult } from '../core/result.js';
import type {
  AnySystem,
  EndedTask,
  OrchestratorCommand,
  OrchestratorNotice,
  OrchestratorSnapshot,
  OrchestratorView,
  SteeredOrchestrator,
} from './xstate-messages.js';
import { ACTIVE, interruptedResult } from './xstate-snapshot.js';

type Scope = ActorScope<OrchestratorSnapshot, OrchestratorCommand, AnySystem, OrchestratorNotice>;

/** What the actor tells itself. */
type OwnEvent =
  | { readonly type: 'gaffr.settled'; readonly id: string; readonly result: TaskResult }
  | { readonly type: 'gaffr.refused'; readonly id: string; readonly cause: unknown }
  | { readonly type: 'gaffr.changed' }
  | { readonly type: 'gaffr.closed' }
  | { readonly type: 'xstate.stop' };

/** Ended tasks that are remembered. */
const MOST_ENDED = 50;

export class OrchestratorActor {
  readonly #orchestrator: SteeredOrchestrator;
  readonly #isOwn: boolean;
  readonly #mostOpen: number;
  readonly #self: Scope['self'];
  readonly #open = new Map<string, AbortController>();
  readonly #unwatch: () => void;
  #ended: readonly EndedTask[] = [];
  #isClosing = false;
  #drainTimer: unknown;
  #refresh: NodeJS.Immediate | undefined;

  constructor(
    orchestrator: SteeredOrchestrator,
    { isOwn, mostOpen }: { readonly isOwn: boolean; readonly mostOpen: number },
    { self }: Pick<Scope, 'self'>,
  ) {
    this.#orchestrator = orchestrator;
    this.#isOwn = isOwn;
    this.#mostOpen = mostOpen;
    this.#self = self;
    // At most once in a turn of the event loop, however much happens.
    this.#unwatch = orchestrator.watch(() => {
      this.#refresh ??= setImmediate(() => {
        this.#refresh = undefined;
        this.#tellSelf({ type: 'gaffr.changed' });
      });
    });
    this.#ended = self.getSnapshot().context.ended;
  }

  /** Settles what was open when the snapshot was written: the process that worked on it is gone. */
  settleInterrupted(ids: readonly string[]): void {
    for (const id of ids) {
      this.#open.set(id, new AbortController());
      this.#tellSelf({ type: 'gaffr.settled', id, result: interruptedResult(id) });
    }
  }

  /** Takes an event and answers the next snapshot. */
  take(
    snapshot: OrchestratorSnapshot,
    event: OrchestratorCommand | OwnEvent,
    scope: Scope,
  ): OrchestratorSnapshot {
    if (event.type === 'xstate.stop') return this.#stop(snapshot);
    if (snapshot.status !== 'active') return snapshot;
    switch (event.type) {
      case 'EXECUTE':
      case 'CANCEL':
      case 'PAUSE':
      case 'RESUME':
      case 'SET_MAX_PARALLEL':
      case 'CLOSE':
        this.#obey(event, scope);
        break;
      case 'gaffr.settled':
        this.#settle(event.id, event.result, scope);
        break;
      case 'gaffr.refused':
        this.#open.delete(event.id);
        this.#refuse('EXECUTE', event.id, messageOf(event.cause), scope);
        break;
      case 'gaffr.changed':
      case 'gaffr.closed':
        break;
      default:
        // Events of the sender's that are not for this actor.
        return snapshot;
    }
    const isDone =
      event.type === 'gaffr.closed' || (this.#isClosing && !this.#isOwn && this.#open.size === 0);
    return isDone ? this.#done() : { ...ACTIVE, context: this.#view() };
  }

  #obey(command: OrchestratorCommand, scope: Scope): void {
    const { type } = command;
    try {
      switch (type) {
        case 'EXECUTE':
          this.#execute(command, scope);
          return;
        case 'CANCEL':
          this.#open.get(command.id)?.abort(new Error(command.reason ?? 'the machine cancelled it'));
          return;
        case 'PAUSE':
          this.#orchestrator.pause();
          return;
        case 'RESUME':
          this.#orchestrator.resume();
          return;
        case 'SET_MAX_PARALLEL':
          this.#orchestrator.setMaxParallel(command.maxParallel);
          return;
        case 'CLOSE':
          this.#close(command.drainSeconds ?? 0);
      }
    } catch (cause) {
      this.#refuse(type, null, messageOf(cause), scope);
    }
  }

  #execute({ id, task, options }: OrchestratorCommand & { readonly type: 'EXECUTE' }, scope: Scope): void {
    const refusal = this.#reasonAgainst(id);
    if (refusal !== null) {
      this.#refuse('EXECUTE', id, refusal, scope);
      return;
    }
    const controller = new AbortController();
    this.#open.set(id, controller);
    const onProgress = (progress: number, message: string | undefined): void => {
      if (this.#open.get(id) === controller)
        this.#tell({ type: 'TASK_PROGRESS', id, progress, message }, scope);
    };
    this.#orchestrator.execute(task, { ...options, signal: controller.signal, onProgress }).then(
      (result) => this.#tellSelf({ type: 'gaffr.settled', id, result }),
      (cause) => this.#tellSelf({ type: 'gaffr.refused', id, cause }),
    );
  }

  #reasonAgainst(id: string): string | null {
    if (this.#isClosing) return 'The actor was told to close and takes no more tasks.';
    if (typeof id !== 'string' || id === '') return 'EXECUTE needs an id of its own, a text.';
    if (this.#open.has(id)) return `The task "${id}" is still open; use another id or wait for it.`;
    return this.#open.size < this.#mostOpen
      ? null
      : `${this.#open.size} of ${this.#mostOpen} tasks are open; wait for one to end or raise mostOpen.`;
  }

  #settle(id: string, result: TaskResult, scope: Scope): void {
    if (!this.#open.delete(id)) return;
    const { taskId, status, serviceName, errorCode, executionTime } = result;
    const ended = { id, taskId, status, serviceName, errorCode, executionTime };
    this.#ended = [...this.#ended, ended].slice(-MOST_ENDED);
    this.#tellLater({ type: 'TASK_SETTLED', id, result }, scope);
  }

  #close(drainSeconds: number): void {
    if (this.#isClosing) return;
    if (!(drainSeconds >= 0))
      throw misuse(`drainSeconds must be a number of at least 0; got ${drainSeconds}.`);
    this.#isClosing = true;
    if (this.#isOwn) {
      const tellClosed = (): void => this.#tellSelf({ type: 'gaffr.closed' });
      this.#orchestrator.close({ drainSeconds }).then(tellClosed, tellClosed);
      return;
    }
    // The orchestrator goes on for others.
    this.#drainTimer = systemClock.setTimeout(() => this.#cancelAll('the actor closes'), drainSeconds * 1000);
  }

  #done(): OrchestratorSnapshot {
    this.#letGo();
    const stats = this.#orchestrator.stats();
    return { status: 'done', output: stats, error: undefined, context: this.#view() };
  }

  #stop(snapshot: OrchestratorSnapshot): OrchestratorSnapshot {
    this.#letGo();
    if (snapshot.status !== 'active') return snapshot;
    this.#cancelAll('the actor was stopped');
    // Nobody is left to be told of a fault in it.
    if (this.#isOwn) this.#orchestrator.close({ drainSeconds: 0 }).catch(() => {});
    return { status: 'stopped', output: undefined, error: undefined, context: this.#view() };
  }

  #letGo(): void {
    this.#unwatch();
    systemClock.clearTimeout(this.#drainTimer);
    clearImmediate(this.#refresh);
  }

  #cancelAll(reason: string): void {
    for (const controller of this.#open.values()) controller.abort(new Error(reason));
  }

  #view(): OrchestratorView {
    const services = this.#orchestrator
      .listServices()
      .map(({ name, state, queued }) => ({ name, state, queued }));
    return {
      open: [...this.#open.keys()],
      ended: this.#ended,
      services,
      stats: this.#orchestrator.stats(),
      isClosing: this.#isClosing,
    };
  }

  #refuse(command: OrchestratorCommand['type'], id: string | null, error: string, scope: Scope): void {
    this.#tellLater({ type: 'COMMAND_REFUSED', command, id, error }, scope);
  }

  /** Tells once the snapshot of this event holds. */
  #tellLater(notice: OrchestratorNotice, scope: Scope): void {
    scope.defer(() => this.#tell(notice, scope));
  }

  #tell(notice: OrchestratorNotice, scope: Scope): void {
    this.#self._parent?.send(notice);
    scope.emit(notice);
  }

  #tellSelf(event: OwnEvent): void {
    if (this.#self.getSnapshot().status === 'active')
      this.#self.send(event as unknown as OrchestratorCommand);
  }
}
