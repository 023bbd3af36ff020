import type { TaskConfig } from '../core/config.js';
import type { Clock } from '../core/environment.js';
import { Crew } from './crew.js';
import type { ServiceDefinition } from './registry.js';
import { type InstancePorts, ServiceInstance } from './service-instance.js';

/**
 * Owns: which crews there are, their order of turns, and every instance by id. Talks to nobody.
 *
 * Invariants: a name has at most one crew on duty; a retired crew takes no task and stays until its last instance is
 * free; an instance's id is never used again.
 */
export class Roster {
  readonly instances = new Map<string, ServiceInstance>();
  readonly #config: TaskConfig;
  readonly #clock: Clock;
  readonly #maxParallel: () => number;
  readonly #onDuty = new Map<string, Crew>();
  readonly #retired = new Set<Crew>();
  readonly #instanceCounts = new Map<string, number>();
  #turns: readonly Crew[] = [];
  #names: readonly string[] = [];
  #rateLimited: readonly Crew[] = [];

  constructor(config: TaskConfig, clock: Clock, maxParallel: () => number) {
    this.#config = config;
    this.#clock = clock;
    this.#maxParallel = maxParallel;
  }

  /** Crews on duty, in order of registration. */
  get turns(): readonly Crew[] {
    return this.#turns;
  }

  /** Names of the crews on duty, in order of registration. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Crews on duty and retired ones that still work. */
  get all(): readonly Crew[] {
    return this.#retired.size === 0 ? this.#turns : [...this.#turns, ...this.#retired];
  }

  /** Highest priority of all tasks that wait; `-Infinity` when none does. */
  get highestPriority(): number {
    let highest = Number.NEGATIVE_INFINITY;
    for (const { headPriority } of this.#turns) if (headPriority > highest) highest = headPriority;
    return highest;
  }

  /** Those among {@link all} that have a rate limit of their own. */
  get rateLimited(): readonly Crew[] {
    return this.#rateLimited;
  }

  crewOf(service: string | null): Crew | undefined {
    return service === null ? undefined : this.#onDuty.get(service);
  }

  /** Opens a crew for a service; one of the same name is retired and returned. */
  open(definition: ServiceDefinition): { readonly crew: Crew; readonly replaced: Crew | undefined } {
    const { circuitFailures, circuitCooldownSeconds, circuitCooldownCapSeconds, mailboxCapacity } =
      this.#config;
    const replaced = this.#onDuty.get(definition.name);
    const crew = new Crew(definition, {
      mailboxCapacity,
      circuit: {
        failures: circuitFailures,
        cooldownMs: circuitCooldownSeconds * 1000,
        cooldownCapMs: circuitCooldownCapSeconds * 1000,
      },
      clock: this.#clock,
      maxParallel: this.#maxParallel,
    });
    if (replaced) this.#retire(replaced);
    this.#onDuty.set(definition.name, crew);
    this.#refresh();
    return { crew, replaced };
  }

  /** Retires the crew of a service and returns it. */
  retire(service: string): Crew | undefined {
    const crew = this.#onDuty.get(service);
    if (crew === undefined) return undefined;
    this.#onDuty.delete(service);
    this.#retire(crew);
    this.#refresh();
    return crew;
  }

  /** Lets a retired crew go once none of its instances works; returns the ids of its instances, or null. */
  dismiss(crew: Crew): readonly string[] | null {
    if (crew.working > 0 || !this.#retired.delete(crew)) return null;
    this.#refresh();
    const ids = crew.instances.map(({ id }) => id);
    for (const id of ids) this.instances.delete(id);
    return ids;
  }

  /** Makes an instance; it works once its actor is hired. */
  newInstance(crew: Crew, ports: InstancePorts): ServiceInstance {
    const index = this.#instanceCounts.get(crew.name) ?? 0;
    this.#instanceCounts.set(crew.name, index + 1);
    const instance = new ServiceInstance(`${crew.name}#${index}`, crew, ports);
    crew.hired += 1;
    crew.instances.push(instance);
    this.instances.set(instance.id, instance);
    return instance;
  }

  /** Strikes an instance whose actor died; another is hired when one is needed. */
  remove(instance: ServiceInstance): void {
    const { crew } = instance;
    for (const list of [crew.instances, crew.free, crew.finished]) {
      const index = list.indexOf(instance);
      if (index >= 0) list.splice(index, 1);
    }
    crew.hired -= 1;
    this.instances.delete(instance.id);
  }

  #retire(crew: Crew): void {
    crew.isRetired = true;
    this.#retired.add(crew);
  }

  #refresh(): void {
    this.#turns = [...this.#onDuty.values()];
    this.#names = [...this.#onDuty.keys()];
    this.#rateLimited = this.all.filter(({ rate }) => rate !== null);
  }
}
