import type { AnyActorRef } from 'xstate';
import type { SupervisorActor } from '../../actors/supervisor-actor.js';
import type { InstanceState } from '../../core/service.js';
import { activeStateOf, type MachineChart } from '../machine-chart.js';

/**
 * Owns: who is in which state, and how often each edge of a chart fired since it was last asked. Talks to: the actors,
 * which it subscribes to while somebody watches.
 *
 * It compares states before and after, and so sees every change of state whether or not the fast lane is on, at the cost
 * of one comparison an event; XState's inspection would switch the fast lane off.
 */

/** Instances of a service as they are: state by state, in order of their ids. */
export type InstanceStates = readonly { readonly id: string; readonly state: InstanceState }[];

/** How often edges fired, by their place in the chart. */
export type FiredEdges = Record<number, number>;

interface Watched {
  readonly stop: () => void;
  readonly actor: AnyActorRef;
  state: string;
}

export class StateWatch {
  readonly #supervisor: SupervisorActor;
  readonly #charts: { readonly supervisor: MachineChart; readonly instance: MachineChart };
  readonly #watched = new Map<AnyActorRef, Watched>();
  /** Fired edges by service; those of the supervisor under null. */
  #fired = new Map<string | null, FiredEdges>();

  constructor(
    supervisor: SupervisorActor,
    charts: { readonly supervisor: MachineChart; readonly instance: MachineChart },
  ) {
    this.#supervisor = supervisor;
    this.#charts = charts;
  }

  /** Watches the supervisor and all instances that there are by now. Cheap to call often. */
  follow(): void {
    const { children } = this.#supervisor.getSnapshot();
    const instances = Object.entries(children) as [string, AnyActorRef | undefined][];
    this.#watch(this.#supervisor, null);
    for (const [id, actor] of instances) if (actor) this.#watch(actor, serviceOf(id));
    if (this.#watched.size <= instances.length + 1) return;
    const present = new Set<AnyActorRef>([
      this.#supervisor,
      ...instances.flatMap(([, actor]) => actor ?? []),
    ]);
    for (const [actor, { stop }] of this.#watched) {
      if (present.has(actor)) continue;
      stop();
      this.#watched.delete(actor);
    }
  }

  /** Watches nobody any more. */
  rest(): void {
    for (const { stop } of this.#watched.values()) stop();
    this.#watched.clear();
    this.#fired.clear();
  }

  /** The edges that fired since the last call, by service; those of the supervisor under null. */
  takeFired(): ReadonlyMap<string | null, FiredEdges> {
    const fired = this.#fired;
    this.#fired = new Map();
    return fired;
  }

  get supervisorState(): string {
    return activeStateOf(this.#supervisor.getSnapshot().value);
  }

  /** The instances of each service. */
  instances(): ReadonlyMap<string, InstanceStates> {
    const byService = new Map<string, { id: string; state: InstanceState }[]>();
    const { children } = this.#supervisor.getSnapshot();
    for (const [id, actor] of Object.entries(children) as [string, AnyActorRef | undefined][]) {
      if (actor === undefined) continue;
      const service = serviceOf(id);
      const states = byService.get(service) ?? [];
      states.push({ id, state: activeStateOf(actor.getSnapshot().value) as InstanceState });
      byService.set(service, states);
    }
    return byService;
  }

  #watch(actor: AnyActorRef, service: string | null): void {
    if (this.#watched.has(actor)) return;
    const chart = service === null ? this.#charts.supervisor : this.#charts.instance;
    const places = new Map(chart.edges.map(({ from, to }, place) => [`${from}→${to}`, place]));
    let last: unknown = actor.getSnapshot();
    let state = activeStateOf((last as { value: unknown }).value);
    const onSnapshot = (snapshot: { value: unknown }): void => {
      if (snapshot === last) return;
      last = snapshot;
      const before = state;
      state = activeStateOf(snapshot.value);
      if (state !== before) this.#count(service, edgeBetween(places, before, state));
    };
    // A subscriber of an actor that broke must take its error, or it becomes an uncaught exception.
    const { unsubscribe } = actor.subscribe({ next: onSnapshot, error: () => {} });
    this.#watched.set(actor, { actor, state, stop: unsubscribe });
  }

  #count(service: string | null, edge: number | undefined): void {
    if (edge === undefined) return;
    const edges = this.#fired.get(service) ?? {};
    edges[edge] = (edges[edge] ?? 0) + 1;
    this.#fired.set(service, edges);
  }
}

/** The edge may begin or end at a state around: `running → draining` leads from `running.active` to `draining`. */
function edgeBetween(places: ReadonlyMap<string, number>, from: string, to: string): number | undefined {
  for (const source of withAncestors(from)) {
    for (const target of withAncestors(to)) {
      const place = places.get(`${source}→${target}`);
      if (place !== undefined) return place;
    }
  }
  return undefined;
}

function withAncestors(state: string): string[] {
  const names = state.split('.');
  return names.map((_, index) => names.slice(0, names.length - index).join('.'));
}

/** Instances are called `service#number`. */
function serviceOf(instanceId: string): string {
  return instanceId.slice(0, Math.max(0, instanceId.lastIndexOf('#')));
}
