import type { HistoryCut } from './history-cut.js';
import type { HistoryEvent, HistoryLimits, HistoryReport, Violation } from './history-event.js';
import { type LimitFact, limitsAfter } from './history-limits.js';

/**
 * Owns: what the events so far say of every task, instance and service, and the rules that they broke. Talks to nobody.
 * It is one class because each rule is about how the next event fits the state that all rules share.
 */

/** Retries in flight that are always allowed. */
const LEAST_RETRIES = 3;
/** Violations that are kept; a broken run breaks the same rule again and again. */
const MOST_VIOLATIONS = 1000;
const DEFAULT_GRACE_MS = 50;
/** Between its assignment and its start a task may wait for its instance to be hired. */
const SAME_MOMENT_MS = 1;
/** Tasks that come back stand before every priority. */
const RETURNED = Number.POSITIVE_INFINITY;

type AttemptEvent = Extract<HistoryEvent, { instance: string }>;

interface Task {
  readonly id: string;
  /** Limits of its own, as far as they are told. */
  readonly maxRetries: number | undefined;
  readonly deadlineMs: number | null | undefined;
  priority: number;
  readonly submittedAtMs: number;
  phase: 'submitted' | 'queued' | 'running' | 'backoff';
  service: string | null;
  instance: string | null;
  attempts: number;
  queuedAtMs: number;
  /** Another task started before it, as far as the facts so far tell. */
  overtaken: { readonly taskId: string; readonly atMs: number; readonly text: string } | null;
  /** The priority under which it waits. */
  lane: number;
  /** Counts among the retries in flight of its service. */
  isRetry: boolean;
  /** Another process runs it: of its attempts nothing is told. */
  isElsewhere: boolean;
}

interface Service {
  open: number;
  /** The highest count of open tasks within a moment. */
  mostOpen: number;
  /** When that moment began. */
  momentMs: number;
  retries: number;
  /** Instances that run, back off or are held. */
  occupied: number;
  /** Waiting tasks, by priority, in order of arrival. */
  readonly lanes: Map<number, Set<Task>>;
}

/** Takes the events of a history one by one. */
export class HistoryCheck {
  #limits: HistoryLimits;
  /** A limit that was lowered lately: what had been assigned before may still start. */
  #lowered: { readonly maxParallel: number; readonly untilMs: number } | null = null;
  /** Until when a service whose concurrency was changed is not judged by it. */
  readonly #fewerUntilMs = new Map<string, number>();
  /** Tasks were under way before the history begins. */
  readonly #knowsAll: boolean;
  readonly #dropped: number;
  readonly #tasks = new Map<string, Task>();
  readonly #settled = new Set<string>();
  readonly #services = new Map<string, Service>();
  /** Who occupies an instance: `taskId` and attempt. */
  readonly #instances = new Map<string, string>();
  readonly #violations: Violation[] = [];
  /** Id of a live task, when the event before was another submission under it. */
  #duplicateId: string | null = null;
  #running = 0;
  #events = 0;
  #submitted = 0;
  #lastMs = 0;

  constructor(limits: HistoryLimits, cut: HistoryCut | null = null) {
    this.#limits = limits;
    this.#knowsAll = cut === null || cut.unknown === 0;
    this.#dropped = cut?.dropped ?? 0;
    if (cut) this.#begin(cut.state);
  }

  take(event: HistoryEvent): void {
    this.#events += 1;
    this.#lastMs = event.atMs;
    if (event.type === 'circuit' || event.type === 'rate_limit') return;
    if (event.type === 'resized' || event.type === 'restaffed') {
      this.#change(event);
      return;
    }
    const duplicateId = this.#duplicateId;
    this.#duplicateId = null;
    // A second submission of a live id is refused on the spot: this result is its own.
    if (event.type === 'settled' && event.taskId === duplicateId) return;
    if (event.type === 'submitted') this.#submit(event);
    else if (event.type === 'ended') this.#ended(event);
    else {
      const task = this.#tasks.get(event.taskId);
      if (task) this.#advance(task, event);
      else if (!this.#settled.has(event.taskId)) {
        if (this.#knowsAll) this.#break('I3', event, 'it was never submitted');
      } else if (event.type === 'settled') this.#break('I4', event, 'it settled twice');
      else this.#break('I5', event, `it is told "${event.type}" after its result`);
    }
  }

  report(): HistoryReport {
    for (const task of this.#tasks.values()) this.#judgeOvertaking(task);
    if (this.#limits.isComplete) {
      for (const { id: taskId } of this.#tasks.values()) {
        this.#break('I4', { taskId, atMs: this.#lastMs }, 'it never settled');
      }
    }
    return {
      events: this.#events,
      dropped: this.#dropped,
      tasks: this.#submitted,
      unsettled: this.#tasks.size,
      violations: this.#violations,
    };
  }

  /** Takes over how things stood before the first event. */
  #begin({ tasks, held, atMs, duplicateId }: HistoryCut['state']): void {
    this.#lastMs = atMs;
    this.#duplicateId = duplicateId;
    this.#submitted = tasks.length;
    for (const each of tasks) this.#beginTask(each);
    for (const each of held) {
      this.#instances.set(each.instance, keyOf(each));
      this.#service(each.service).occupied += 1;
    }
    // Tasks that ended in the moment before count for a retry that was decided in it.
    for (const service of this.#services.values()) {
      service.momentMs = atMs;
      service.mostOpen = Number.POSITIVE_INFINITY;
    }
  }

  #beginTask(told: HistoryCut['state']['tasks'][number]): void {
    const { taskId: id, sinceMs: queuedAtMs, isReturned, isElsewhere = false, ...same } = told;
    const name = isElsewhere ? null : told.service;
    const lane = isReturned ? RETURNED : told.priority;
    const { maxRetries, deadlineMs } = told;
    const task: Task = {
      ...same,
      id,
      service: name,
      isElsewhere,
      queuedAtMs,
      lane,
      maxRetries,
      deadlineMs,
      overtaken: null,
    };
    this.#tasks.set(id, task);
    if (task.phase === 'running') this.#running += 1;
    if (name === null) return;
    const service = this.#service(name);
    service.open += 1;
    if (task.isRetry) service.retries += 1;
    if (task.phase === 'queued') this.#enterLane(task, lane);
    if (task.instance === null) return;
    this.#instances.set(task.instance, keyOf({ taskId: id, attempt: task.attempts }));
    service.occupied += 1;
  }

  #change(change: LimitFact): void {
    const { maxParallel: before = Number.POSITIVE_INFINITY } = this.#limits;
    this.#limits = limitsAfter(this.#limits, change);
    const { maxParallel = Number.POSITIVE_INFINITY } = this.#limits;
    if (maxParallel < before) {
      // Lowered twice in a moment: what was assigned under the first limit may still start.
      const first = this.#lowered && change.atMs <= this.#lowered.untilMs ? this.#lowered.maxParallel : 0;
      this.#lowered = { maxParallel: Math.max(before, first), untilMs: change.atMs + DEFAULT_GRACE_MS };
    }
    if (change.type === 'resized' && change.service !== null) {
      // What was assigned when the limit fell starts a moment later.
      this.#fewerUntilMs.set(change.service, change.atMs + DEFAULT_GRACE_MS);
    }
  }

  #submit(event: Extract<HistoryEvent, { type: 'submitted' }>): void {
    const { taskId: id, priority, atMs, maxRetries, deadlineMs, attempts = 0 } = event;
    this.#submitted += 1;
    const live = this.#tasks.get(id);
    if (live) {
      this.#duplicateId = id;
      return;
    }
    // An id may be used again once its task has settled.
    this.#settled.delete(id);
    this.#tasks.set(id, {
      id,
      priority,
      maxRetries,
      deadlineMs,
      submittedAtMs: atMs,
      phase: 'submitted',
      service: null,
      instance: null,
      attempts,
      queuedAtMs: atMs,
      overtaken: null,
      lane: priority,
      isRetry: false,
      isElsewhere: false,
    });
  }

  #advance(
    task: Task,
    event: Exclude<
      HistoryEvent,
      { type: 'submitted' | 'ended' | 'circuit' | 'rate_limit' | 'resized' | 'restaffed' }
    >,
  ): void {
    this.#judgeOvertaking(task, event);
    switch (event.type) {
      case 'handed_over':
        this.#expect(task, event, ['submitted']);
        task.isElsewhere = true;
        return;
      case 'queued':
        this.#expect(task, event, ['submitted', 'backoff', 'queued']);
        this.#queue(task, event);
        return;
      case 'moved':
        this.#expect(task, event, ['queued', 'backoff']);
        this.#release(task);
        this.#leave(task);
        task.phase = 'submitted';
        return;
      case 'reprioritised':
        this.#expect(task, event, ['queued']);
        this.#leaveLane(task);
        task.priority = event.priority;
        task.queuedAtMs = event.atMs;
        this.#enterLane(task, event.priority);
        return;
      case 'started':
        this.#start(task, event);
        return;
      case 'abandoned':
        this.#abandon(task, event);
        return;
      case 'backoff':
        this.#backOff(task, event);
        return;
      case 'settled':
        this.#settle(task, event);
        return;
    }
  }

  /** A task was rightly overtaken when it was assigned before: then it starts, or loses its assignment, in that moment. */
  #judgeOvertaking(task: Task, event?: HistoryEvent): void {
    const { overtaken } = task;
    if (overtaken === null) return;
    task.overtaken = null;
    const wasAssigned = event !== undefined && event.atMs - overtaken.atMs < SAME_MOMENT_MS;
    if (!wasAssigned) this.#break('I6', overtaken, overtaken.text);
  }

  #queue(task: Task, { service: name, atMs }: Extract<HistoryEvent, { type: 'queued' }>): void {
    // A retry that looks for another instance of its service is still a retry in flight there.
    const isRetry = task.isRetry && task.service === name;
    // Queued again without a start: its assignment was undone, and it keeps its place before the others.
    const comesBack = task.attempts > 0 || (task.phase === 'queued' && task.service === name);
    this.#release(task);
    this.#leave(task);
    const service = this.#service(name);
    task.service = name;
    task.phase = 'queued';
    task.queuedAtMs = atMs;
    task.isRetry = isRetry;
    if (isRetry) service.retries += 1;
    service.open += 1;
    service.mostOpen = Math.max(service.mostOpen, service.open);
    this.#enterLane(task, comesBack ? RETURNED : task.priority);
  }

  #enterLane(task: Task, priority: number): void {
    if (task.service === null) return;
    const { lanes } = this.#service(task.service);
    task.lane = priority;
    lanes.set(priority, (lanes.get(priority) ?? new Set()).add(task));
  }

  #start(task: Task, event: AttemptEvent): void {
    this.#expect(task, event, ['queued', 'backoff']);
    if (event.attempt !== task.attempts + 1) {
      this.#break('I10', event, `attempt ${event.attempt} follows ${task.attempts} attempts`);
    }
    if (task.service !== event.service) this.#break('I3', event, `it waits for "${task.service}"`);
    if (task.phase === 'queued') this.#checkTurn(task, event);
    const isResumed = task.phase === 'backoff' && task.instance === event.instance;
    task.phase = 'running';
    task.attempts = event.attempt;
    const { maxRetries = task.maxRetries ?? this.#limits.maxRetries } = this.#limits.tasks?.[task.id] ?? {};
    if (maxRetries !== undefined && task.attempts > 1 + maxRetries) {
      this.#break('I10', event, `${task.attempts} attempts; maxRetries allows ${1 + maxRetries}`);
    }
    if (isResumed) this.#instances.set(event.instance, keyOf(event));
    else this.#occupy(task, event);
    this.#running += 1;
    const { maxParallel } = this.#limits;
    if (this.#lowered && (event.atMs > this.#lowered.untilMs || this.#running > this.#lowered.maxParallel)) {
      this.#lowered = null;
    }
    if (this.#lowered) return;
    if (maxParallel !== undefined && this.#running > maxParallel) {
      this.#break('I1', event, `${this.#running} attempts run; maxParallel is ${maxParallel}`);
    }
  }

  #occupy(task: Task, event: AttemptEvent): void {
    const holder = this.#instances.get(event.instance);
    if (holder !== undefined) this.#break('I2', event, `instance ${event.instance} is taken by ${holder}`);
    this.#instances.set(event.instance, keyOf(event));
    task.instance = event.instance;
    const service = this.#service(event.service);
    service.occupied += 1;
    const concurrency = this.#limits.concurrency?.[event.service];
    if ((this.#fewerUntilMs.get(event.service) ?? Number.NEGATIVE_INFINITY) >= event.atMs) return;
    if (concurrency !== undefined && service.occupied > concurrency) {
      const text = `${service.occupied} instances of "${event.service}" work; its concurrency is ${concurrency}`;
      this.#break('I2', event, text);
    }
  }

  /** First in, first out within a priority, the highest priority first. */
  #checkTurn(task: Task, event: AttemptEvent): void {
    const lanes = this.#service(event.service).lanes;
    const own = task.lane;
    for (const [priority, lane] of lanes) {
      const [first] = lane;
      if (first === undefined || first === task || priority < own) continue;
      // The starting task may have been assigned already when this one came.
      if (event.atMs - first.queuedAtMs < SAME_MOMENT_MS) continue;
      const rule = priority > own ? 'has a higher priority' : 'came first';
      const text = `task "${first.id}" waits for "${event.service}" and ${rule}`;
      // It may have been assigned before, and cancelled before it started: the next fact about it tells.
      first.overtaken ??= { taskId: task.id, atMs: event.atMs, text };
    }
    this.#leaveLane(task);
  }

  #abandon(task: Task, event: AttemptEvent): void {
    this.#expect(task, event, ['running']);
    // Its instance stays taken until the code ends.
    if (task.phase === 'running') this.#running -= 1;
    task.phase = 'backoff';
    if (task.instance !== null) this.#instances.set(task.instance, keyOf(event));
    task.instance = null;
  }

  #ended(event: AttemptEvent): void {
    if (this.#instances.get(event.instance) !== keyOf(event)) {
      if (!this.#knowsAll) return;
      this.#break('I3', event, `attempt ${event.attempt} ended on ${event.instance} without holding it`);
      return;
    }
    this.#instances.delete(event.instance);
    this.#service(event.service).occupied -= 1;
  }

  #backOff(task: Task, event: Extract<HistoryEvent, { type: 'backoff' }>): void {
    this.#expect(task, event, ['running', 'backoff']);
    if (task.phase === 'running') this.#running -= 1;
    task.phase = 'backoff';
    const service = this.#service(event.service);
    if (!task.isRetry) service.retries += 1;
    task.isRetry = true;
    const { retryBudgetRatio } = this.#limits;
    const isKnown = this.#knowsAll && !this.#limits.restaffed?.includes(event.service);
    if (retryBudgetRatio === undefined || !isKnown) return;
    // The retry was decided a moment ago, when tasks may have been open that timed out since.
    const open = event.atMs - service.momentMs < SAME_MOMENT_MS ? service.mostOpen : service.open;
    const budget = Math.max(LEAST_RETRIES, Math.ceil(retryBudgetRatio * open));
    if (service.retries > budget) {
      const text = `${service.retries} retries in flight on "${event.service}"; the budget of ${open} tasks is ${budget}`;
      this.#break('I10', event, text);
    }
  }

  #settle(task: Task, event: Extract<HistoryEvent, { type: 'settled' }>): void {
    const { result, atMs } = event;
    if (!task.isElsewhere) this.#judgeEnd(task, event);
    const ofRun = this.#limits.deadlineSeconds;
    const own =
      task.deadlineMs === undefined ? ofRun : task.deadlineMs === null ? undefined : task.deadlineMs / 1000;
    const { deadlineSeconds = own } = this.#limits.tasks?.[task.id] ?? {};
    const { graceMs = DEFAULT_GRACE_MS } = this.#limits;
    const tookMs = atMs - task.submittedAtMs;
    if (deadlineSeconds !== undefined && tookMs > deadlineSeconds * 1000 + graceMs) {
      this.#break('I9', event, `it took ${tookMs} ms; its deadline was ${deadlineSeconds} s`);
    }
    if (task.phase === 'running') this.#running -= 1;
    this.#release(task);
    this.#leave(task);
    this.#tasks.delete(task.id);
    // It may have been refused because of a task that is not known.
    if (this.#knowsAll || result.errorCode !== 'DUPLICATE_ID') this.#settled.add(task.id);
  }

  /** What the end says of the attempts is what was told of them. */
  #judgeEnd(task: Task, event: Extract<HistoryEvent, { type: 'settled' }>): void {
    const { status, result } = event;
    if (status === 'completed' && task.phase !== 'running') {
      this.#break('I5', event, 'it completed although none of its attempts was running');
    }
    if (status === 'rejected' && task.attempts > 0) {
      this.#break('I3', event, `it was rejected after ${task.attempts} attempts`);
    }
    if (result.attempts !== task.attempts) {
      this.#break('I10', event, `its result tells ${result.attempts} attempts, ${task.attempts} started`);
    }
  }

  /** Its instance is free again. */
  #release(task: Task): void {
    if (task.instance === null) return;
    this.#instances.delete(task.instance);
    if (task.service !== null) this.#service(task.service).occupied -= 1;
    task.instance = null;
  }

  /** It belongs to no service any more. */
  #leave(task: Task): void {
    if (task.service === null) return;
    const service = this.#service(task.service);
    this.#leaveLane(task);
    if (this.#lastMs - service.momentMs >= SAME_MOMENT_MS) {
      service.momentMs = this.#lastMs;
      service.mostOpen = service.open;
    }
    service.open -= 1;
    if (task.isRetry) service.retries -= 1;
    task.isRetry = false;
    task.service = null;
  }

  #leaveLane(task: Task): void {
    if (task.service === null) return;
    const { lanes } = this.#service(task.service);
    const lane = lanes.get(task.lane);
    if (lane?.delete(task) && lane.size === 0) lanes.delete(task.lane);
  }

  #service(name: string): Service {
    const known = this.#services.get(name);
    if (known) return known;
    const service: Service = { open: 0, mostOpen: 0, momentMs: 0, retries: 0, occupied: 0, lanes: new Map() };
    this.#services.set(name, service);
    return service;
  }

  #expect(task: Task, event: HistoryEvent & { taskId: string }, phases: readonly Task['phase'][]): void {
    if (!phases.includes(task.phase))
      this.#break('I3', event, `it is told "${event.type}" while ${task.phase}`);
  }

  #break(invariant: string, { taskId, atMs }: { taskId: string; atMs: number }, what: string): void {
    if (this.#violations.length >= MOST_VIOLATIONS) return;
    this.#violations.push({ invariant, taskId, atMs, text: `Task "${taskId}": ${what}.` });
  }
}

function keyOf({ taskId, attempt }: Pick<AttemptEvent, 'taskId' | 'attempt'>): string {
  return `task "${taskId}", attempt ${attempt}`;
}
