import type { HistoryEvent } from '../../core/history-event.js';
import type { FiredEdges } from '../dashboard/state-watch.js';
import type { HistoryFrame } from '../history-player.js';
import type { MachineChart } from '../machine-chart.js';

/** An instance that takes its next task within this time was never idle: it was handed over. In milliseconds. */
const HAND_OVER_MS = 1;

/**
 * Which edges of the instances' chart fired while facts happened, and how often, by service. A history holds facts of
 * tasks and circuits; what each did to an instance follows from them.
 */
export function firedEdges(
  chart: Pick<MachineChart, 'edges'>,
  before: Pick<HistoryFrame, 'services'>,
  facts: readonly HistoryEvent[],
): ReadonlyMap<string, FiredEdges> {
  const follower = new Follower(chart, before);
  for (const fact of facts) follower.take(fact);
  return follower.end();
}

interface FollowedInstance {
  readonly service: string;
  state: string;
  taskId: string | null;
  /** Its code runs though the attempt was given up. */
  isHeld: boolean;
  /** When its task ended; null while it has not, or once it is idle. */
  finishedMs: number | null;
}

/** Owns: the state of each instance, fact by fact. */
class Follower {
  readonly #places: ReadonlyMap<string, number>;
  readonly #instances = new Map<string, FollowedInstance>();
  readonly #byTask = new Map<string, FollowedInstance>();
  readonly #openCircuits = new Set<string>();
  readonly #fired = new Map<string, FiredEdges>();

  constructor({ edges }: Pick<MachineChart, 'edges'>, { services }: Pick<HistoryFrame, 'services'>) {
    this.#places = new Map(edges.map(({ from, to }, place) => [`${from}→${to}`, place]));
    for (const { name, state, instances } of services) {
      if (state === 'failed') this.#openCircuits.add(name);
      for (const { id, state: own, taskId } of instances) {
        const isHeld = own === 'abandoned';
        this.#know(id, { service: name, state: isHeld ? 'busy' : own, taskId, isHeld, finishedMs: null });
      }
    }
  }

  take(fact: HistoryEvent): void {
    switch (fact.type) {
      case 'started':
        this.#start(fact);
        return;
      case 'abandoned': {
        const instance = this.#instances.get(fact.instance);
        if (instance) instance.isHeld = true;
        return;
      }
      case 'ended':
        this.#end(this.#instances.get(fact.instance), fact.atMs);
        return;
      case 'backoff': {
        const instance = this.#byTask.get(fact.taskId);
        if (instance && !instance.isHeld) this.#enter(instance, 'retrying');
        return;
      }
      case 'queued':
      case 'moved':
      case 'settled': {
        const instance = this.#byTask.get(fact.taskId);
        if (instance && !instance.isHeld) this.#end(instance, fact.atMs);
        return;
      }
      case 'circuit':
        this.#switch(fact.service, fact.state === 'open');
        return;
      default:
        return;
    }
  }

  end(): ReadonlyMap<string, FiredEdges> {
    for (const instance of this.#instances.values()) this.#rest(instance);
    return this.#fired;
  }

  #start({ instance: id, service, taskId, atMs }: Extract<HistoryEvent, { instance: string }>): void {
    const known = this.#instances.get(id);
    if (known === undefined) {
      this.#know(id, { service, state: 'idle', taskId, isHeld: false, finishedMs: null });
    } else {
      if (known.finishedMs !== null && atMs - known.finishedMs > HAND_OVER_MS) this.#rest(known);
      if (known.taskId !== null) this.#byTask.delete(known.taskId);
      known.taskId = taskId;
      known.finishedMs = null;
      known.isHeld = false;
    }
    const instance = this.#instances.get(id) as FollowedInstance;
    this.#byTask.set(taskId, instance);
    this.#enter(instance, 'busy');
  }

  /** The instance has no task any more; whether it idles is told by what comes next. */
  #end(instance: FollowedInstance | undefined, atMs: number): void {
    if (instance === undefined || instance.taskId === null) return;
    this.#byTask.delete(instance.taskId);
    instance.taskId = null;
    instance.isHeld = false;
    instance.finishedMs = atMs;
    if (instance.state === 'retrying') this.#rest(instance);
  }

  #rest(instance: FollowedInstance): void {
    if (instance.finishedMs === null) return;
    instance.finishedMs = null;
    this.#enter(instance, this.#openCircuits.has(instance.service) ? 'failed' : 'idle');
  }

  #switch(service: string, isOpen: boolean): void {
    if (isOpen) this.#openCircuits.add(service);
    else this.#openCircuits.delete(service);
    for (const instance of this.#instances.values()) {
      if (instance.service !== service || instance.state === 'busy') continue;
      this.#enter(instance, isOpen ? 'failed' : 'idle');
    }
  }

  #know(id: string, instance: FollowedInstance): void {
    this.#instances.set(id, instance);
    if (instance.taskId !== null) this.#byTask.set(instance.taskId, instance);
  }

  #enter(instance: FollowedInstance, state: string): void {
    const place = this.#places.get(`${instance.state}→${state}`);
    instance.state = state;
    if (place === undefined) return;
    const edges = this.#fired.get(instance.service) ?? {};
    edges[place] = (edges[place] ?? 0) + 1;
    this.#fired.set(instance.service, edges);
  }
}
