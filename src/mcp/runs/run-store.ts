import { systemClock } from '../../core/clock.js';
import type { Shelf } from '../../core/engine.js';
import { type Clock, type Log, silentLog } from '../../core/environment.js';
import { runNotFound, tooManyRuns } from '../../core/errors.js';
import { sizeUpTo } from '../../core/size.js';
import { RUN_KEY } from '../../core/task.js';
import type { Departure, Presence } from '../presence.js';
import { explainFault, type ToolAnswer } from '../tool-answer.js';
import { FinishedRuns } from './finished-runs.js';
import { type Follower, type Load, Run, type RunEnd, type RunIdentity, type Working } from './run.js';
import { fingerprintOf, type KeyClaim, RunKeys } from './run-keys.js';
import { parseRunLimits, type RunLimits, type RunLimitsInput } from './run-limits.js';
import { SpareControllers } from './spare-controllers.js';
import { parseStoredRun, type StoredRun } from './stored-run.js';

/** What a store is made with. */
export interface RunStoreOptions {
  readonly limits?: RunLimitsInput;
  /** Default: the real one. */
  readonly clock?: Clock;
  /** Default: silent. */
  readonly log?: Log;
  /** Where runs outlive the process. Default: nowhere. */
  readonly shelf?: Shelf | null;
}

/** What the work of a run is given. */
export interface RunHooks {
  readonly runId: string;
  /** Where the whole result can be read. */
  readonly uri: string;
  readonly signal: AbortSignal;
  readonly onProgress: (fraction: number, message: string | undefined) => void;
  /**
   * A key for one of its tasks, the same after a restart, so that the work is taken up and not done twice; undefined where
   * runs do not outlive the process.
   */
  readonly taskKey: (index: number) => string | undefined;
}

/** A run to start. */
export interface RunRequest {
  readonly toolName: string;
  readonly principal: string | null;
  /** Everything that says which work it is. */
  readonly args: object;
  readonly idempotencyKey: string | undefined;
  readonly work: (hooks: RunHooks) => Promise<RunEnd>;
}

/** How an answer is waited for. */
export interface Wait {
  /** Default: the store's `waitSeconds`. */
  readonly waitSeconds: number | undefined;
  readonly presence: Presence;
  readonly onProgress?: Follower['onProgress'];
}

/**
 * The runs of every server that answers for one orchestrator, whatever the transport.
 *
 * Owns: every run, from its start until it is kept no longer. Talks to: the work it is given, those who follow a run, the
 * listeners to changes. Invariants:
 * - L1 a run shows itself to its own principal; to everybody else it does not exist;
 * - L2 a caller who leaves stops a run only as long as nobody knows its id and nobody else waits for it;
 * - L3 what is under way and what is kept is bounded, over all and, where there are principals, to half of it for each;
 * - L4 state first: who learns of an end finds the run ended;
 * - L5 with a shelf, a run whose id was told can be asked for after a restart, and in every process that shares the shelf,
 *   as long as it would be without one.
 */
export class RunStore {
  readonly limits: RunLimits;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #runs = new Map<string, Run>();
  readonly #loads = new Map<string | null, Load>();
  readonly #finished: FinishedRuns;
  readonly #keys = new RunKeys();
  readonly #spare = new SpareControllers();
  readonly #listeners = new Set<(run: Run) => void>();
  readonly #shelf: Shelf | null;
  #workOf: (run: StoredRun) => RunRequest['work'] | undefined = () => undefined;
  #working = 0;
  #workingBytes = 0;

  constructor({ limits, clock = systemClock, log = silentLog, shelf = null }: RunStoreOptions = {}) {
    this.limits = parseRunLimits(limits);
    this.#clock = clock;
    this.#log = log;
    this.#shelf = shelf;
    this.#finished = new FinishedRuns(this.limits, clock, (run) => {
      this.#runs.delete(run.id);
      this.#keys.forget(run);
      this.#shelf?.drop(run.id);
    });
  }

  /**
   * Starts a run, or finds the one that has the same key.
   *
   * @throws OrchestratorError `IDEMPOTENCY_CONFLICT`, and `QUEUE_FULL` when too much is under way.
   */
  start(request: RunRequest): Run {
    const { principal, args, work } = request;
    const claim = claimOf(request);
    const known = claim && this.#keys.find(claim);
    if (known !== undefined && !(known.hasEnded && this.#finished.isOverdue(known))) return known;
    const working = this.#admit(principal, sizeOfArguments(args, this.limits.runningBytes));
    const run = new Run(request, this.#clock.now(), working);
    if (claim !== undefined) this.#keys.add(claim, run);
    this.#begin(run, working, work);
    return run;
  }

  /**
   * Takes up the runs of an earlier process: those that have ended are kept on, the others are begun again.
   *
   * @param workOf - The work of a run; undefined when there is no such tool any more.
   */
  resume(workOf: (run: StoredRun) => RunRequest['work'] | undefined): void {
    this.#workOf = workOf;
    for (const [key, text] of this.#shelf?.entries() ?? []) {
      const stored = parseStoredRun(text);
      const work = stored === null ? undefined : workOf(stored);
      if (stored !== null && work !== undefined && this.#restore(stored, work)) continue;
      this.#shelf?.drop(key);
    }
  }

  /**
   * Takes a run up that another process with the same shelf started, so that it is found here as well: its work joins the
   * tasks that are under way. Does nothing when the run is here, or nowhere, or another principal's.
   *
   * @throws OrchestratorError when the shelf cannot be read.
   */
  async bring(runId: string, principal: string | null): Promise<void> {
    if (this.#shelf === null || this.#runs.has(runId)) return;
    const text = await this.#shelf.find(runId);
    const stored = text === undefined ? null : parseStoredRun(text);
    if (stored === null || stored.principal !== principal || this.#runs.has(runId)) return;
    const work = this.#workOf(stored);
    if (work !== undefined) this.#restore(stored, work);
  }

  #begin(run: Run, working: Working, work: RunRequest['work']): void {
    this.#runs.set(run.id, run);
    this.#put(run, null);
    this.#tellChange(run);
    const onProgress: RunHooks['onProgress'] = (fraction, message) => {
      if (run.hasEnded) return;
      run.report({ fraction, message }, this.#clock.now());
      this.#tellChange(run);
    };
    const taskKey: RunHooks['taskKey'] = (index) =>
      this.#shelf === null ? undefined : `${RUN_KEY}${run.id}:${index}`;
    work({ runId: run.id, uri: run.uri, signal: working.controller.signal, onProgress, taskKey }).then(
      (end) => this.#end(run, end),
      (cause) => this.#fail(run, cause),
    );
  }

  /** False for one that has been kept long enough, or for which there is no room. */
  #restore(stored: StoredRun, work: RunRequest['work']): boolean {
    const { principal, args, end, startedAtMs, changedAtMs, isTold } = stored;
    const toClock = (wallMs: number): number => this.#clock.now() - Math.max(0, Date.now() - wallMs);
    const request: RunIdentity = { ...stored, idempotencyKey: stored.idempotencyKey };
    const claim = claimOf(request);
    if (end === null) {
      const working = this.#admitOrNot(principal, sizeOfArguments(args, this.limits.runningBytes));
      if (working === null) return false;
      const run = new Run(request, toClock(startedAtMs), working);
      // Whoever was told of it may come for it.
      run.isHandedOut = true;
      if (claim !== undefined) this.#keys.add(claim, run);
      this.#begin(run, working, work);
      return true;
    }
    const run = new Run(request, toClock(startedAtMs), null);
    run.finish(end, toClock(changedAtMs));
    run.isTold = isTold;
    if (this.#finished.isOverdue(run)) return false;
    if (claim !== undefined) this.#keys.add(claim, run);
    this.#runs.set(run.id, run);
    this.#finished.add(run);
    return true;
  }

  #admitOrNot(principal: string | null, inputBytes: number): Working | null {
    try {
      return this.#admit(principal, inputBytes);
    } catch {
      return null;
    }
  }

  /** Writes the run down, so that it is found after a restart. */
  #put(run: Run, end: RunEnd | null): void {
    if (this.#shelf === null) return;
    const { id, toolName, principal, args, idempotencyKey, startedAtMs, changedAtMs, isTold } = run;
    const toWall = (ms: number): number => Date.now() + ms - this.#clock.now();
    const times = { startedAtMs: toWall(startedAtMs), changedAtMs: toWall(changedAtMs) };
    this.#shelf.put(
      id,
      JSON.stringify({ id, toolName, principal, args, idempotencyKey, ...times, isTold, end }),
    );
  }

  /**
   * The answer of a run, as soon as it has ended; when patience ends first, that it is running, and under which id. From
   * then on it goes on without the caller.
   */
  async answerOf(run: Run, wait: Wait): Promise<ToolAnswer> {
    if (!run.hasEnded) await this.#follow(run, wait);
    if (wait.presence.departure === undefined) this.#handOut(run);
    // Who is told the id of a run is told that it can be found by it.
    if (this.#shelf !== null && !run.hasEnded) await this.#shelf.kept();
    return run.answer();
  }

  /** A run, as long as it is kept; undefined when there is none of this id for this principal. */
  get(runId: string, principal: string | null): Run | undefined {
    const run = this.#runs.get(runId);
    if (run === undefined || run.principal !== principal) return undefined;
    return run.hasEnded && this.#finished.isOverdue(run) ? undefined : run;
  }

  /** As {@link find}, also of a run that another process started. */
  async findAnywhere(runId: string, principal: string | null): Promise<Run> {
    await this.bring(runId, principal);
    return this.find(runId, principal);
  }

  /** As {@link get}. @throws OrchestratorError `NOT_FOUND`, the same for an unknown run and for another's. */
  find(runId: string, principal: string | null): Run {
    const run = this.get(runId, principal);
    if (run === undefined) throw runNotFound(runId);
    return run;
  }

  /** The runs of a principal that are under way or kept, the latest first. */
  list(principal: string | null): Run[] {
    return [...this.#runs.values()].filter((run) => this.get(run.id, principal) === run).reverse();
  }

  /** Stops a run; does nothing once it has ended. Its result says so as soon as its tasks are settled. */
  cancel(run: Run, reason: unknown): void {
    const { working } = run;
    if (working === null) return;
    run.isCancelRequested = true;
    working.controller.abort(reason);
  }

  /** Marks that somebody was given what a run answers just now. */
  markTold(run: Run): void {
    if (!run.hasEnded || run.isTold || this.#keys.has(run)) return;
    run.isTold = true;
    this.#finished.markTold(run);
  }

  /** How long after its start a run can be found, in whole milliseconds. It grows as long as the run is under way. */
  ttlMs({ hasEnded, startedAtMs, changedAtMs }: Run): number {
    const endMs = hasEnded ? changedAtMs : this.#clock.now();
    return Math.ceil(endMs - startedAtMs + this.limits.keptSeconds * 1000);
  }

  /** Wall-clock time of a moment of the store's clock, ISO 8601. */
  toTimestamp(ms: number): string {
    return new Date(Date.now() + ms - this.#clock.now()).toISOString();
  }

  /** Told whenever a run starts, makes progress or ends. What a listener throws is logged and changes nothing. */
  on(_event: 'change', listener: (run: Run) => void): this {
    this.#listeners.add(listener);
    return this;
  }

  off(_event: 'change', listener: (run: Run) => void): this {
    this.#listeners.delete(listener);
    return this;
  }

  /** Cancels what is under way: nobody will come for it any more. */
  close(reason: unknown = new Error('the server closed')): void {
    for (const run of [...this.#runs.values()]) this.cancel(run, reason);
    this.#finished.close();
  }

  #admit(principal: string | null, inputBytes: number): Working {
    const { running, runningBytes } = this.limits;
    const load: Load = this.#loads.get(principal) ?? { runs: 0, bytes: 0 };
    // The one client of a connection has nobody to leave room for.
    const share = principal === null ? 1 : 2;
    if (this.#working >= running || load.runs * share >= running) {
      throw tooManyRuns('running', running, load.runs);
    }
    const bytes = load.bytes + inputBytes;
    if (this.#workingBytes + inputBytes > runningBytes || bytes * share > runningBytes) {
      throw tooManyRuns('runningBytes', runningBytes, bytes);
    }
    if (load.runs === 0) this.#loads.set(principal, load);
    load.runs += 1;
    load.bytes = bytes;
    this.#working += 1;
    this.#workingBytes += inputBytes;
    return { controller: this.#spare.take(), load, inputBytes, grace: undefined };
  }

  #follow(run: Run, { waitSeconds = this.limits.waitSeconds, presence, onProgress }: Wait): Promise<void> {
    if (presence.departure !== undefined) {
      this.#leave(run, presence.departure, undefined);
      return Promise.resolve();
    }
    if (waitSeconds <= 0) return Promise.resolve();
    this.#endGrace(run);
    return new Promise((resolve) => {
      const stop = (): void => {
        this.#clock.clearTimeout(timer);
        presence.listen(undefined);
        if (!run.hasEnded) run.followers = run.followers.filter((each) => each !== follower);
        resolve();
      };
      const follower: Follower = { onEnd: stop, onProgress };
      const timer = this.#clock.setTimeout(stop, waitSeconds * 1000);
      run.followers.push(follower);
      presence.listen((departure, reason) => {
        stop();
        this.#leave(run, departure, reason);
      });
      const { progress } = run;
      if (progress !== null) onProgress?.(progress.fraction, progress.message);
    });
  }

  #handOut(run: Run): void {
    run.isHandedOut = true;
    this.#endGrace(run);
    this.markTold(run);
  }

  /** Someone who waited has left: unless the run is known or awaited, nobody could get its result. */
  #leave(run: Run, departure: Departure, reason: unknown): void {
    const { working } = run;
    if (working === null || run.isHandedOut || run.followers.length > 0) return;
    if (departure === 'cancelled' || !this.#keys.has(run)) {
      this.cancel(run, reason);
      return;
    }
    // The caller may call again: his key is a handle that he has had from the start.
    working.grace ??= this.#clock.setTimeout(
      () => this.cancel(run, reason),
      this.limits.rejoinSeconds * 1000,
    );
  }

  #endGrace(run: Run): void {
    const { working } = run;
    if (working?.grace === undefined) return;
    this.#clock.clearTimeout(working.grace);
    working.grace = undefined;
  }

  #fail(run: Run, cause: unknown): void {
    const { answer, isOurs } = explainFault(cause, run.toolName, this.#log);
    this.#end(run, { answer, wholeJson: null, wasTried: false, isOurFault: isOurs });
  }

  #end(run: Run, end: RunEnd): void {
    this.#endGrace(run);
    this.#release(run);
    run.finish(end, this.#clock.now());
    const { followers } = run;
    run.followers = [];
    if (!end.wasTried) this.#keys.forget(run);
    // Whoever has a key may call again, and must not have the work done twice.
    run.isTold = followers.length > 0 && !this.#keys.has(run);
    // Nobody knows of a run that its only caller has left.
    if (run.isTold || run.isHandedOut || this.#keys.has(run)) {
      if (end.isKept !== true) this.#put(run, end);
      this.#finished.add(run);
    } else {
      this.#runs.delete(run.id);
      if (end.isKept !== true) this.#shelf?.drop(run.id);
    }
    for (const { onEnd } of followers) onEnd();
    this.#tellChange(run);
  }

  #release({ principal, working }: Run): void {
    if (working === null) return;
    const { controller, load, inputBytes } = working;
    this.#working -= 1;
    this.#workingBytes -= inputBytes;
    load.runs -= 1;
    load.bytes -= inputBytes;
    if (load.runs === 0) this.#loads.delete(principal);
    this.#spare.giveBack(controller);
  }

  #tellChange(run: Run): void {
    for (const listener of this.#listeners) {
      try {
        listener(run);
      } catch (cause) {
        this.#log.warn({ err: cause }, 'a listener to changes of runs threw');
      }
    }
  }
}

function claimOf({ principal, idempotencyKey: key, toolName, args }: RunIdentity): KeyClaim | undefined {
  return key === undefined ? undefined : { principal, key, fingerprint: fingerprintOf(toolName, args) };
}

/** About the size of arguments. Most are a text and a few words, which need no walk. */
function sizeOfArguments(args: object, limitBytes: number): number {
  let bytes = 0;
  for (const value of Object.values(args)) {
    bytes += typeof value === 'string' ? value.length : sizeUpTo(value, limitBytes);
  }
  return bytes;
}
