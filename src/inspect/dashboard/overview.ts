import type { AcceptedTask } from '../../actors/queue-events.js';
import type { Clock } from '../../core/environment.js';
import type { RuntimeEvent } from '../../core/events.js';
import { finiteOrNull } from '../../core/finite-or-null.js';
import type { OrchestratorStats } from '../../core/orchestrator-port.js';
import type { InstanceState, ServiceStatus } from '../../core/service.js';
import { layOutChart, type PlacedChart } from '../chart-layout.js';
import { chartOf } from '../machine-chart.js';
import type { WatchedOrchestrator } from '../watched-orchestrator.js';
import { shorten } from './preview.js';
import { type FiredEdges, StateWatch } from './state-watch.js';
import { lineOf, type TaskLine } from './task-line.js';
import { TaskTrail } from './task-trail.js';
import { type Sample, Throughput } from './throughput.js';

/** Instances that are shown one by one; the counts hold for all. */
const MOST_INSTANCES = 64;
/** Tasks that a page gets when it comes. */
const FIRST_TASKS = 400;

/** A service in a frame. */
export interface ServiceLine extends Omit<ServiceStatus, 'description' | 'capabilities' | 'concurrency'> {
  /** Null without a limit. */
  readonly concurrency: number | null;
  /** States of its first instances. */
  readonly states: readonly InstanceState[];
  readonly fired: FiredEdges;
}

/** What changed since the last frame; without `services` nothing but the time did. */
export interface Frame {
  readonly type: 'frame';
  readonly nowMs: number;
  readonly stats: OrchestratorStatsLine;
  readonly supervisor: { readonly state: string; readonly fired: FiredEdges };
  readonly services: readonly ServiceLine[];
  readonly tasks: readonly TaskLine[];
  /** Tasks that came too fast to be listed one by one, since the start. */
  readonly skipped: number;
  /** The samples of the second that ended with this frame, by service; all services under an empty name. */
  readonly samples?: Readonly<Record<string, Sample>>;
}

/** JSON knows no infinity: an unlimited `maxParallel` is null. */
export type OrchestratorStatsLine = Omit<OrchestratorStats, 'maxParallel'> & {
  readonly maxParallel: number | null;
};

/** Everything a page needs to begin with. */
export interface Hello extends Omit<Frame, 'type' | 'samples'> {
  readonly type: 'hello';
  readonly version: string;
  readonly charts: {
    readonly supervisor: PlacedChart;
    /** The same machine twice: small for many, and with its labels. */
    readonly service: PlacedChart;
    readonly serviceLabelled: PlacedChart;
  };
  readonly about: Readonly<
    Record<string, { readonly description: string; readonly capabilities: readonly string[] }>
  >;
  readonly history: Readonly<Record<string, readonly Sample[]>>;
}

/** Options of {@link Overview}. */
export interface OverviewOptions {
  readonly clock: Clock;
  readonly version: string;
  /** Takes secrets out of a text. */
  readonly clean: (text: string) => string;
}

/**
 * Owns: what the page shows of one orchestrator. Talks to: the orchestrator, whose facts it hears from its making to
 * `close()`. It is the same for all pages; what each of them has seen is not its concern.
 */
export class Overview {
  readonly trail: TaskTrail;
  readonly #orchestrator: WatchedOrchestrator;
  readonly #options: OverviewOptions;
  readonly #throughput = new Throughput();
  readonly #watch: StateWatch;
  readonly #charts: Hello['charts'];
  readonly #beganMs: number;

  constructor(orchestrator: WatchedOrchestrator, options: OverviewOptions) {
    const { logic } = orchestrator.actor;
    const supervisor = chartOf(logic);
    // The supervisor's machine names that of its instances, so that no other copy of it can be shown.
    const instance = chartOf(logic.implementations.actors.instance as Parameters<typeof chartOf>[0]);
    this.#orchestrator = orchestrator;
    this.#options = options;
    this.trail = new TaskTrail({ clean: options.clean });
    this.#watch = new StateWatch(orchestrator.actor, { supervisor, instance });
    this.#charts = {
      supervisor: layOutChart(supervisor, false),
      service: layOutChart(instance, false),
      serviceLabelled: layOutChart(instance, true),
    };
    this.#beganMs = options.clock.now();
    orchestrator.on('accepted', this.#onAccepted);
    orchestrator.on('event', this.#onEvent);
  }

  /** Follows the states of all actors while somebody watches. */
  set isWatched(isWatched: boolean) {
    if (isWatched) this.#watch.follow();
    else this.#watch.rest();
  }

  /** Ends a second; its samples go into the next frame. */
  sample(): Readonly<Record<string, Sample>> {
    return this.#throughput.sample(
      this.#orchestrator.listServices(),
      this.#orchestrator.stats(),
      this.#options.clock.now(),
    );
  }

  hello(): Hello {
    const services = this.#orchestrator.listServices();
    const newest = [...this.trail.tasks].slice(-FIRST_TASKS);
    return {
      ...this.#state(services, new Map()),
      type: 'hello',
      version: this.#options.version,
      charts: this.#charts,
      about: Object.fromEntries(
        services.map(({ name, description, capabilities }) => [
          name,
          {
            description: this.#options.clean(shorten(description, 400)),
            capabilities: capabilities.slice(0, 12),
          },
        ]),
      ),
      history: this.#throughput.history,
      tasks: newest.map((task) => lineOf(task, this.#since)),
    };
  }

  /** What changed since the last call. */
  frame(samples?: Readonly<Record<string, Sample>>): Frame {
    this.#watch.follow();
    const changed = this.trail.takeChanged();
    return {
      ...this.#state(this.#orchestrator.listServices(), this.#watch.takeFired()),
      type: 'frame',
      tasks: changed.map((task) => lineOf(task, this.#since)),
      ...(samples !== undefined && { samples }),
    };
  }

  /** Milliseconds since the overview began, of a time of the clock. */
  sinceBegin(ms: number): number {
    return Math.round((ms - this.#beganMs) * 10) / 10;
  }

  /** Milliseconds of the epoch, of a time of the clock. */
  toEpochMs(ms: number): number {
    return Date.now() - this.#options.clock.now() + ms;
  }

  close(): void {
    this.#orchestrator.off('accepted', this.#onAccepted);
    this.#orchestrator.off('event', this.#onEvent);
    this.#watch.rest();
  }

  readonly #since = (ms: number): number => this.sinceBegin(ms);

  readonly #onAccepted = (task: AcceptedTask): void => this.trail.accepted(task);

  readonly #onEvent = (event: RuntimeEvent): void => {
    this.#throughput.take(event);
    if ('taskId' in event) this.trail.take(event);
  };

  #state(services: readonly ServiceStatus[], fired: ReadonlyMap<string | null, FiredEdges>) {
    const stats = this.#orchestrator.stats();
    const instances = this.#watch.instances();
    return {
      nowMs: this.sinceBegin(this.#options.clock.now()),
      stats: { ...stats, maxParallel: finiteOrNull(stats.maxParallel) },
      supervisor: { state: this.#watch.supervisorState, fired: fired.get(null) ?? {} },
      services: services.map(({ description: _, capabilities: __, concurrency, lastError, ...line }) => ({
        ...line,
        concurrency: finiteOrNull(concurrency),
        lastError: lastError === null ? null : this.#options.clean(shorten(lastError, 400)),
        states: (instances.get(line.name) ?? []).slice(0, MOST_INSTANCES).map(({ state }) => state),
        fired: fired.get(line.name) ?? {},
      })),
      skipped: this.trail.skipped,
    };
  }
}
