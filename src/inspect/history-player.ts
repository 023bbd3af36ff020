import type { History } from '../core/history.js';
import type { HistoryCut } from '../core/history-cut.js';
import type { HistoryEvent } from '../core/history-event.js';
import { HistoryState, type HistoryStateData, type OpenTask } from '../core/history-state.js';

/**
 * Owns: a history, and states of it at some of its facts, so that any moment is found quickly. Talks to nobody. Pure: the
 * same moment always gives the same frame.
 */

/** One service at a moment of a history. */
export interface ServiceFrame {
  readonly name: string;
  /** As in `listServices()`: `failed` while its circuit is open. */
  readonly state: 'idle' | 'busy' | 'retrying' | 'failed';
  readonly queued: number;
  readonly running: number;
  /** Tasks in backoff. */
  readonly retrying: number;
  /** Instances held by an attempt that was given up. */
  readonly abandoned: number;
  /** Its instances that had a task since the history began: by id, and what they are at. */
  readonly instances: readonly InstanceFrame[];
}

/** One instance at a moment of a history. */
export interface InstanceFrame {
  readonly id: string;
  readonly state: 'idle' | 'busy' | 'retrying' | 'failed' | 'abandoned';
  readonly taskId: string | null;
  readonly attempt: number | null;
}

/** How things stood at a moment of a history. */
export interface HistoryFrame {
  readonly atMs: number;
  /** Facts up to this moment, those before the beginning not counted. */
  readonly facts: number;
  readonly submitted: number;
  /** Tasks that ended up to this moment, by status. */
  readonly settled: Readonly<Record<string, number>>;
  readonly running: number;
  readonly queued: number;
  readonly retrying: number;
  readonly isRateLimited: boolean;
  readonly services: readonly ServiceFrame[];
  /** Tasks that are not settled; at most as many as were asked for. */
  readonly tasks: readonly OpenTask[];
}

/** One stretch of a task's life, for a timeline. */
export interface TaskStretch {
  readonly taskId: string;
  readonly phase: OpenTask['phase'];
  readonly service: string | null;
  readonly instance: string | null;
  /** The attempt that runs, or the last one. */
  readonly attempt: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** The status with which the task ended here; null when it went on. */
  readonly ended: string | null;
}

/** A history that can be looked at from any moment. */
export interface HistoryPlayer {
  /** The clock's milliseconds of the first and the last fact. */
  readonly startMs: number;
  readonly endMs: number;
  readonly facts: number;
  /** @param mostTasks - Most open tasks that the frame spells out; default 1,000. */
  frameAt(atMs: number, mostTasks?: number): HistoryFrame;
  /** The moments before and after this one at which something happened; null where there is none. */
  neighboursOf(atMs: number): { readonly beforeMs: number | null; readonly afterMs: number | null };
  /** The facts with `fromMs < atMs ≤ toMs`, the latest `most` of them; default 1,000. */
  factsBetween(fromMs: number, toMs: number, most?: number): readonly HistoryEvent[];
  /** What tasks were at between two moments, in order of their beginning; at most `most`, default 5,000. */
  stretchesBetween(fromMs: number, toMs: number, most?: number): readonly TaskStretch[];
}

/** Facts between two kept states, at least; more when many tasks are open, so that states take no more room than facts. */
const KEEP_EVERY = 1000;

/** Makes a history ready to be looked at from any moment. Linear in its length. */
export function playHistory({
  events,
  cut,
}: Pick<History, 'events'> & { readonly cut: Pick<HistoryCut, 'state'> | null }): HistoryPlayer {
  const times = monotonicTimes(events, cut?.state.atMs ?? Number.NEGATIVE_INFINITY);
  const { frames, instances } = keepStates(events, cut?.state);
  const startMs = times[0] ?? cut?.state.atMs ?? 0;
  const endMs = times.at(-1) ?? startMs;
  /** The state after so many facts. */
  const stateAfter = (count: number): HistoryState => {
    const kept = frames[lastIndex(frames, ({ index }) => index <= count)] as KeptState;
    const state = new HistoryState(kept.data);
    for (let index = kept.index; index < count; index += 1) state.advance(events[index] as HistoryEvent);
    return state;
  };
  const countAt = (atMs: number): number => lastIndex(times, (time) => time <= atMs) + 1;
  return {
    startMs,
    endMs,
    facts: events.length,
    frameAt(atMs, mostTasks = 1000) {
      const facts = countAt(atMs);
      return frameOf(stateAfter(facts).toJSON(), { atMs, facts, mostTasks, instances });
    },
    neighboursOf(atMs) {
      return {
        beforeMs: times[lastIndex(times, (time) => time < atMs)] ?? null,
        afterMs: times[countAt(atMs)] ?? null,
      };
    },
    factsBetween(fromMs, toMs, most = 1000) {
      const to = countAt(toMs);
      return events.slice(Math.max(countAt(fromMs), to - most, 0), Math.max(to, 0));
    },
    stretchesBetween(fromMs, toMs, most = 5000) {
      const from = countAt(fromMs);
      const to = Math.max(countAt(toMs), from);
      return stretches(stateAfter(from), events.slice(from, to), { fromMs, toMs, most });
    },
  };
}

interface KeptState {
  /** Facts before it. */
  readonly index: number;
  readonly data: HistoryStateData;
}

/** Services, and their instances, in order of appearance. */
type KnownInstances = ReadonlyMap<string, ReadonlySet<string>>;

function keepStates(
  events: readonly HistoryEvent[],
  begin: HistoryStateData | undefined,
): { frames: KeptState[]; instances: KnownInstances } {
  const state = new HistoryState(begin);
  const frames: KeptState[] = [{ index: 0, data: state.toJSON() }];
  const instances = new Map<string, Set<string>>();
  const know = (service: string | null, instance: string | null): void => {
    if (service === null) return;
    const known = instances.get(service) ?? new Set();
    instances.set(service, instance === null ? known : known.add(instance));
  };
  for (const { service, instance } of [...(begin?.tasks ?? []), ...(begin?.held ?? [])])
    know(service, instance);
  let next = KEEP_EVERY;
  events.forEach((event, index) => {
    if ('service' in event) know(event.service ?? null, 'instance' in event ? event.instance : null);
    state.advance(event);
    if (index + 1 < next) return;
    frames.push({ index: index + 1, data: state.toJSON() });
    next = index + 1 + Math.max(KEEP_EVERY, state.open);
  });
  return { frames, instances };
}

/** A task that waited for another one's result is told later than it was submitted: time never goes back here. */
export function monotonicTimes(events: readonly HistoryEvent[], startMs: number): number[] {
  let latest = startMs;
  return events.map(({ atMs }) => {
    latest = Math.max(latest, atMs);
    return latest;
  });
}

function frameOf(
  data: HistoryStateData,
  about: {
    readonly atMs: number;
    readonly facts: number;
    readonly mostTasks: number;
    readonly instances: KnownInstances;
  },
): HistoryFrame {
  const { tasks, held, openCircuits, submitted, settled, isRateLimited } = data;
  const services = new Map<string, Tally>();
  for (const [name, ids] of about.instances)
    services.set(name, new Tally(name, ids, openCircuits.includes(name)));
  let waiting = 0;
  for (const task of tasks) {
    if (task.service === null) waiting += 1;
    else services.get(task.service)?.count(task);
  }
  for (const each of held) services.get(each.service)?.hold(each);
  const frames = [...services.values()].map((tally) => tally.frame());
  const sum = (of: (frame: ServiceFrame) => number): number =>
    frames.reduce((total, frame) => total + of(frame), 0);
  return {
    atMs: about.atMs,
    facts: about.facts,
    submitted,
    settled,
    running: sum(({ running }) => running),
    queued: sum(({ queued }) => queued) + waiting,
    retrying: sum(({ retrying }) => retrying),
    isRateLimited,
    services: frames,
    tasks: tasks.slice(0, about.mostTasks),
  };
}

/** Adds up what one service is at. */
class Tally {
  readonly #name: string;
  readonly #isOpen: boolean;
  readonly #instances: Map<string, InstanceFrame>;
  readonly #counts = { submitted: 0, queued: 0, running: 0, backoff: 0 };
  #abandoned = 0;

  constructor(name: string, ids: ReadonlySet<string>, isOpen: boolean) {
    this.#name = name;
    this.#isOpen = isOpen;
    const state = isOpen ? 'failed' : 'idle';
    this.#instances = new Map([...ids].map((id) => [id, { id, state, taskId: null, attempt: null }]));
  }

  count({ phase, instance, taskId, attempts: attempt }: OpenTask): void {
    this.#counts[phase] += 1;
    if (instance === null) return;
    const state = phase === 'running' ? 'busy' : 'retrying';
    this.#instances.set(instance, { id: instance, state, taskId, attempt });
  }

  hold({ instance: id, taskId, attempt }: HistoryStateData['held'][number]): void {
    this.#abandoned += 1;
    this.#instances.set(id, { id, state: 'abandoned', taskId, attempt });
  }

  frame(): ServiceFrame {
    const { queued, submitted, running, backoff: retrying } = this.#counts;
    const worst = retrying > 0 ? 'retrying' : running > 0 ? 'busy' : 'idle';
    return {
      name: this.#name,
      state: this.#isOpen ? 'failed' : worst,
      queued: queued + submitted,
      running,
      retrying,
      abandoned: this.#abandoned,
      instances: [...this.#instances.values()],
    };
  }
}

/** Follows the facts and notes each stretch that one of them ends; what is open at the end is cut off there. */
function stretches(
  state: HistoryState,
  events: readonly HistoryEvent[],
  { fromMs, toMs, most }: { readonly fromMs: number; readonly toMs: number; readonly most: number },
): TaskStretch[] {
  const found: TaskStretch[] = [];
  const open = new Map<string, OpenTask>(state.toJSON().tasks.map((task) => [task.taskId, task]));
  const note = (task: OpenTask, endMs: number, ended: string | null): void => {
    const { taskId, phase, service, instance, attempts: attempt, sinceMs } = task;
    const stretch = { taskId, phase, service, instance, attempt, fromMs: Math.max(sinceMs, fromMs) };
    if (found.length < most) found.push({ ...stretch, toMs: Math.max(endMs, stretch.fromMs), ended });
  };
  for (const event of events) {
    state.advance(event);
    if (!('taskId' in event) || event.type === 'ended') continue;
    const before = open.get(event.taskId);
    const after = state.taskOf(event.taskId);
    if (before && (after === undefined || before.sinceMs !== after.sinceMs || before.phase !== after.phase)) {
      note(before, event.atMs, event.type === 'settled' ? event.status : null);
    }
    if (after === undefined) open.delete(event.taskId);
    else open.set(event.taskId, { ...after });
  }
  for (const task of open.values()) note(task, toMs, null);
  return found.sort((a, b) => a.fromMs - b.fromMs);
}

/** The last place where a condition holds that holds up to some place and nowhere after it; -1 when nowhere. */
export function lastIndex<T>(list: readonly T[], holds: (item: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(list[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
