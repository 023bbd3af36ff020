import type {
  Engine,
  EngineCapabilities,
  EngineRuntime,
  EngineTask,
  LimitChange,
  Shelf,
  TaskArchive,
  TaskDetail,
  TaskFilter,
  TaskKeeper,
  TaskSummary,
} from '../../core/engine.js';
import type { Log } from '../../core/environment.js';
import * as errors from '../../core/errors.js';
import type { TaskResult } from '../../core/result.js';
import { asKept, type KeptValue, whyNotKept } from '../kept-values.js';
import type { KeptEntry } from './books.js';
import { EarlyStarts } from './early-starts.js';
import type { Journal, Outcome } from './journal.js';
import { OpenTask } from './open-task.js';
import { bodyOf, judge, keptOf, resultText } from './recovery.js';

/**
 * The runtime of this process, with a journal before it: a task is accepted once its record is on the disk, an attempt that
 * must not be repeated begins once its record is, and a caller is told once the end is.
 *
 * Owns: which open task has which record. Talks to: the journal, and the runtime. Invariants:
 * - L1 a task of this process is known by identity; what has no record (it was refused before) is answered at once;
 * - L2 of each open task the journal says at any time whether an attempt may be under way.
 *
 * A task for which there is room is going to begin at once: it is accepted and begun by one commit, and waits for one sync less.
 * If it does not begin after all, the next commit says so.
 */
export class JournalEngine implements Engine, TaskKeeper, TaskArchive {
  readonly kind = 'journal';
  readonly capabilities: EngineCapabilities = {
    durable: true,
    distributed: false,
    delivery: 'at-least-once',
    keepsTasks: true,
    priorities: true,
    pausing: true,
    progress: true,
  };
  readonly keeper = this;
  readonly archive = this;
  readonly #journal: Journal;
  readonly #log: Log;
  readonly #open = new Map<EngineTask, OpenTask>();
  readonly #byId = new Map<string, EngineTask>();
  /** Who waits for the end of a task. */
  readonly #waiting = new Map<EngineTask, ((result: TaskResult) => void)[]>();
  #runtime: EngineRuntime | null = null;
  /** Accepted by the commit that is just told. */
  #accepted: EngineTask[] = [];
  /** Left open by an earlier process, and not judged yet. */
  #left: { readonly task: EngineTask; readonly entry: KeptEntry }[] = [];
  #resumption: NodeJS.Immediate | undefined;
  readonly #early = new EarlyStarts();
  #maxParallel = 0;
  #isClosed = false;

  constructor(journal: Journal, log: Log) {
    this.#journal = journal;
    this.#log = log;
  }

  // Engine.

  start(runtime: EngineRuntime): void {
    this.#runtime = runtime;
    this.#maxParallel = runtime.limits().maxParallel;
    const { books } = this.#journal;
    for (const entry of books.keyed()) {
      const asked = this.#journal.askedFor(entry);
      const result = this.#journal.resultOf(entry);
      if (asked === undefined || result === null) continue;
      runtime.remember(keptOf(entry, asked), result, Math.max(0, Date.now() - entry.finishedAtMs));
    }
    for (const entry of books.open()) {
      const asked = this.#journal.askedFor(entry);
      if (asked === undefined) continue;
      const task = runtime.restore(keptOf(entry, asked));
      this.#know(task, new OpenTask({ crashes: entry.crashes, isRestored: true }));
      this.#left.push({ task, entry });
    }
    // Services that are registered right after the orchestrator is made are to be there.
    if (this.#left.length > 0) this.#resumption = setImmediate(() => this.#resume());
  }

  shelf(name: string): Shelf {
    return this.#journal.shelf(name);
  }

  async close(): Promise<void> {
    clearImmediate(this.#resumption);
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#journal.close();
  }

  // Keeper.

  accept(task: EngineTask): void {
    const { id, text, settings } = task;
    const known = new OpenTask();
    // Whatever else is open may come to begin first.
    const hasRoom = this.#open.size < this.#maxParallel;
    this.#know(task, known);
    const refused = (error: errors.OrchestratorError): void => this.#refuse(task, error);
    const refusal = this.#refusalOf(task);
    if (refusal !== null) {
      this.#journal.afterAll(() => refused(refusal));
      return;
    }
    this.#journal.add(this.#journal.acceptance(id, settings.idempotencyKey), {
      body: bodyOf(text, settings),
      mayBeRefused: true,
      refused,
      done: () => this.#runSoon(task),
    });
    const { service } = settings;
    if (service === null || !hasRoom || !this.#early.promise(known, service, this.#runtime)) return;
    this.#journal.add(known.started({ id, attempts: 1 }, service), { mayBeRefused: true });
  }

  attempt(task: EngineTask, service: string, begin: () => void): void {
    const known = this.#open.get(task);
    if (known === undefined || this.#early.settle(known)) {
      begin();
      return;
    }
    // An attempt that may be repeated need not wait for its record: if that is lost, the task begins anew. Unless it has
    // been through a crash: it may be what the process dies of, and then that must be known the next time.
    const mustWait = known.isRestored || this.#runtime?.isIdempotent(service) !== true;
    this.#journal.add(known.started(task, service), mustWait ? { done: begin, refused: begin } : {});
    if (!mustWait) begin();
  }

  rest(task: EngineTask): void {
    const known = this.#open.get(task);
    if (known !== undefined) this.#rest(task, known);
  }

  keepable(value: unknown, service: string): KeptValue {
    return asKept(value, service, this.#journal.options.maxRecordBytes);
  }

  settle(task: EngineTask, result: TaskResult): void {
    const known = this.#open.get(task);
    const answer = (told: TaskResult): void => {
      this.#runtime?.answer(task, told);
      this.#tellWaiting(task, told);
    };
    if (known === undefined) {
      answer(result);
      return;
    }
    this.#forget(task);
    if (result.status === 'cancelled' && result.errorDetails?.kept === true) {
      const keep = (): void => answer(result);
      // The next start runs it only if the file says that no attempt is under way.
      const refused = (cause: errors.OrchestratorError): void => answer(unrecorded(result, cause));
      if (known.mayHaveBegun) this.#rest(task, known, { done: keep, refused });
      else this.#journal.afterAll(keep);
      return;
    }
    const { status, serviceName: service, attempts, errorCode } = result;
    const atMs = Date.now();
    this.#journal.add(
      { kind: 'finished', id: task.id, atMs, status, service, attempts, errorCode },
      {
        body: resultText(result),
        done: () => answer(result),
        refused: (cause) => answer(unrecorded(result, cause)),
      },
    );
  }

  commit(): void {
    this.#resume();
    this.#journal.commit();
    this.#run();
  }

  resize(change: LimitChange): void {
    if ('maxParallel' in change) this.#maxParallel = change.maxParallel;
  }

  told(): Promise<void> {
    return this.#journal.settled();
  }

  // Archive.

  list(filter?: TaskFilter): TaskSummary[] {
    return this.#journal.books.list(filter);
  }

  find(taskId: string): TaskDetail | undefined {
    return this.#journal.find(taskId);
  }

  result(taskId: string): Promise<TaskResult> | undefined {
    const task = this.#byId.get(taskId);
    if (task !== undefined) {
      return new Promise((resolve) => {
        this.#waiting.set(task, [...(this.#waiting.get(task) ?? []), resolve]);
      });
    }
    const result = this.find(taskId)?.result;
    return result ? Promise.resolve(result) : undefined;
  }

  async retry(taskId: string): Promise<boolean> {
    const entry = this.#journal.books.get(taskId);
    // One that is being tried again is still dead until that is written.
    if (entry === undefined || !this.#journal.books.isDead(taskId) || this.#byId.has(taskId)) return false;
    const asked = this.#journal.askedFor(entry);
    if (asked === undefined || this.#runtime === null) return false;
    const task = this.#runtime.restore({ ...keptOf(entry, asked), attempts: 0, ageMs: 0 });
    this.#know(task, new OpenTask());
    return new Promise((resolve) => {
      this.#journal.add(this.#journal.acceptance(taskId, asked.key), {
        body: bodyOf(asked.text, asked),
        mayBeRefused: true,
        done: () => {
          this.#runSoon(task);
          resolve(true);
        },
        refused: (error) => {
          this.#refuse(task, error);
          resolve(false);
        },
      });
    });
  }

  // Smaller things.

  /** Judges what an earlier process left. */
  #resume(): void {
    const left = this.#left;
    if (left.length === 0) return;
    this.#left = [];
    let interrupted = 0;
    for (const { task, entry } of left) {
      const isIdempotent = this.#runtime?.isIdempotent(entry.service ?? '') === true;
      const verdict = judge(entry, { isIdempotent, mostCrashes: this.#journal.options.mostCrashes });
      const known = this.#open.get(task);
      if (known === undefined) continue;
      if (verdict.kind === 'interrupted') {
        interrupted += 1;
        this.#runtime?.interrupt(task, verdict.error);
        continue;
      }
      if (verdict.crashes > known.crashes) {
        known.crashes = verdict.crashes;
        this.rest(task);
      }
      this.#accepted.push(task);
    }
    const resumed = this.#accepted.length;
    this.#log.info({ resumed, interrupted }, 'took up the tasks of an earlier process');
    this.#run();
  }

  #know(task: EngineTask, what: OpenTask): void {
    this.#open.set(task, what);
    this.#byId.set(task.id, task);
  }

  #forget(task: EngineTask): void {
    const known = this.#open.get(task);
    if (known !== undefined) this.#early.settle(known);
    this.#open.delete(task);
  }

  #rest(task: EngineTask, known: OpenTask, { done, ...outcome }: Outcome = {}): void {
    const { record, written } = known.resting(task);
    this.#journal.add(record, {
      ...outcome,
      done() {
        written();
        done?.();
      },
    });
  }

  /** All tasks of a commit go into the runtime together. */
  #runSoon(task: EngineTask): void {
    if (this.#accepted.push(task) === 1) queueMicrotask(() => this.#run());
  }

  #run(): void {
    const tasks = this.#accepted;
    this.#accepted = [];
    if (tasks.length === 0) return;
    this.#runtime?.run(tasks);
    setImmediate(() => this.#takeBack(tasks));
  }

  /** Records of tasks that should have begun by now that they have not. */
  #takeBack(tasks: readonly EngineTask[]): void {
    for (const task of tasks) {
      const known = this.#open.get(task);
      if (known !== undefined && this.#early.settle(known)) this.#rest(task, known);
    }
  }

  #refuse(task: EngineTask, error: errors.OrchestratorError): void {
    // It may have been settled meanwhile, by a cancel; then its end is on its way.
    if (this.#open.has(task)) {
      this.#forget(task);
      if (this.#byId.get(task.id) === task) this.#byId.delete(task.id);
    }
    this.#runtime?.refuse(task, error);
  }

  #tellWaiting(task: EngineTask, result: TaskResult): void {
    if (this.#byId.get(task.id) === task) this.#byId.delete(task.id);
    const waiting = this.#waiting.get(task) ?? [];
    this.#waiting.delete(task);
    for (const resolve of waiting) resolve(result);
  }

  #refusalOf({ text, settings: { kwargs } }: EngineTask): errors.OrchestratorError | null {
    return whyNotKept(text, kwargs, this.#journal.options.maxRecordBytes);
  }
}

/** What a caller is told whose task ended while the journal could not be written. */
function unrecorded(result: TaskResult, cause: errors.OrchestratorError): TaskResult {
  const { code, message, facts } = errors.endNotRecorded(result.status, cause);
  const told = { status: 'failed', success: false, result: null } as const;
  return { ...result, ...told, error: message, errorCode: code, errorDetails: facts };
}
