import type { RoutingConfig } from '../core/config.js';
import { decideRoute, freezeRoute, type RoutePolicy } from '../core/decide-route.js';
import type { EngineRoute } from '../core/engine.js';
import type { Clock } from '../core/environment.js';
import * as errors from '../core/errors.js';
import type { Ranking, Route, RouteCandidate, RouterPort } from '../core/route.js';
import type { Batch } from './batch.js';
import type { Crew } from './crew.js';
import type { Ledger } from './ledger.js';
import type { Roster } from './roster.js';
import type { TaskRecord } from './task-record.js';

/**
 * Owns: nothing; decides into which mailbox a task goes, at its submission and again when it loses its place. Talks
 * to: the router (once per task: the ranked candidates stay with it), the ledger, the mailboxes.
 */
export class Placement {
  readonly #routing: RoutingConfig;
  readonly #mailboxCapacity: number;
  readonly #clock: Clock;
  readonly #router: RouterPort;
  readonly #roster: Roster;
  readonly #ledger: Ledger;

  constructor(
    options: {
      readonly routingConfig: RoutingConfig;
      readonly mailboxCapacity: number;
      readonly clock: Clock;
      readonly router: RouterPort;
    },
    roster: Roster,
    ledger: Ledger,
  ) {
    this.#routing = options.routingConfig;
    this.#mailboxCapacity = options.mailboxCapacity;
    this.#clock = options.clock;
    this.#router = options.router;
    this.#roster = roster;
    this.#ledger = ledger;
  }

  /** Routes and places a submitted task; `later` gets it when the ranking has to be waited for and is there. */
  admit(task: TaskRecord, later: Batch<TaskRecord>): void {
    if (task.settings.service !== null) {
      this.place(task);
      return;
    }
    const ranking = this.#router.rank(task.text, task.settings.kwargs ?? undefined);
    if (ranking instanceof Promise) {
      this.#ledger.enter(task, 'routing');
      void ranking.then((answer) => {
        takeRanking(task, answer);
        later.post(task);
      });
      return;
    }
    takeRanking(task, ranking);
    this.place(task);
  }

  /** Puts a ranked task into the mailbox that is its place just now, or answers it when there is none. */
  place(task: TaskRecord): void {
    const crew = this.#crewFor(task);
    if (crew) this.#offer(task, crew);
    else this.#ledger.refuse(task, this.#whyNowhere(task));
  }

  /** Routes a task that another process is to run. */
  async routeElsewhere(task: TaskRecord): Promise<EngineRoute> {
    const { settings, text } = task;
    if (settings.service === null)
      takeRanking(task, await this.#router.rank(text, settings.kwargs ?? undefined));
    const crew = this.#crewFor(task);
    return crew && task.route ? { service: crew.name, route: task.route } : { error: this.#whyNowhere(task) };
  }

  /** Where a ranked task belongs just now; undefined when nowhere. */
  #crewFor(task: TaskRecord): Crew | undefined {
    const { service } = task.settings;
    const route =
      service === null ? this.decide(task.ranked ?? []) : this.#roster.crewOf(service)?.explicitRoute;
    if (route) task.route = route;
    return this.#roster.crewOf(route?.service ?? null);
  }

  #whyNowhere({ settings: { service }, route, lastFailure }: TaskRecord): errors.OrchestratorError {
    return service === null
      ? errors.noRoute(route?.why ?? 'no-match', lastFailure)
      : errors.unknownService(service, this.#roster.names);
  }

  /** Where a task with this ranking goes just now. */
  decide(ranked: readonly RouteCandidate[]): Route {
    const { turns } = this.#roster;
    const sole = turns.length === 1 && ranked.length === 0 ? turns[0] : undefined;
    if (sole === undefined) return decideRoute(ranked, this.#policy());
    sole.soleRoute ??= freezeRoute(decideRoute(ranked, this.#policy()));
    return sole.soleRoute;
  }

  enqueue(task: TaskRecord, crew: Crew, comesBack = task.attempts > 0): void {
    this.#ledger.join(task, crew);
    if (comesBack) crew.mailbox.putBack(task);
    else crew.mailbox.put(task);
    this.#ledger.enter(task, 'queued');
    this.#ledger.tellQueued(task, crew);
  }

  /** A task that was started looks for an instance again: here, or elsewhere while the circuit is open. */
  sendBack(task: TaskRecord): void {
    const { crew } = task;
    task.instance = null;
    if (crew && !crew.isRetired && crew.isAvailable) this.#putBack(task, crew);
    else this.moveAway(task);
  }

  /** A task that was assigned and never started keeps its place; while the circuit is open it goes on from there. */
  unassign(task: TaskRecord): void {
    const { crew } = task;
    task.instance = null;
    if (crew === null || crew.isRetired) {
      this.moveAway(task);
      return;
    }
    this.#putBack(task, crew);
    if (!crew.isAvailable) this.#moveOn(task, crew);
  }

  /** Into the mailbox that it came from; a retry stays one. */
  #putBack(task: TaskRecord, crew: Crew): void {
    const { isRetry } = task;
    this.#ledger.leave(task);
    this.enqueue(task, crew, true);
    if (isRetry) this.#ledger.countRetry(task);
  }

  /** The task leaves its crew and is placed anew. */
  moveAway(task: TaskRecord): void {
    const from = task.crew?.name;
    this.#ledger.leave(task);
    if (from !== undefined) {
      this.#ledger.tell({ type: 'moved', atMs: this.#clock.now(), taskId: task.id, service: from });
    }
    this.place(task);
  }

  /** The circuit of a crew opened: its waiting tasks go to their next candidate, the fallback, or wait. */
  evacuate(crew: Crew): void {
    for (const task of [...crew.mailbox]) this.#moveOn(task, crew);
  }

  #moveOn(task: TaskRecord, crew: Crew): void {
    const route = task.settings.service === null ? this.decide(task.ranked ?? []) : crew.explicitRoute;
    const next = this.#roster.crewOf(route.service);
    const stays = next === undefined || next === crew || next.mailbox.isFull;
    if (stays && this.#routing.onUnavailable !== 'fail') return;
    crew.mailbox.remove(task);
    if (stays) this.#refuseUnavailable(task, crew);
    else this.moveAway(task);
  }

  #offer(task: TaskRecord, crew: Crew): void {
    if (this.#routing.onUnavailable === 'fail' && !crew.isAvailable) this.#refuseUnavailable(task, crew);
    else if (task.attempts === 0 && crew.mailbox.isFull) {
      this.#ledger.refuse(task, errors.queueFull(crew.name, this.#mailboxCapacity, crew.secondsToNextEnd));
    } else this.enqueue(task, crew);
  }

  #refuseUnavailable(task: TaskRecord, crew: Crew): void {
    const { probesAtMs } = crew.circuit;
    const seconds = probesAtMs === null ? null : Math.max(0, probesAtMs - this.#clock.now()) / 1000;
    this.#ledger.refuse(task, errors.serviceUnavailable(crew.name, seconds, task.lastFailure));
  }

  readonly #isAvailable = (service: string): boolean => this.#roster.crewOf(service)?.isAvailable ?? false;

  /** What describes itself and is not trusted counts as busiest: it must not get tasks by copying a description. */
  readonly #loadOf = (service: string): number => {
    const crew = this.#roster.crewOf(service);
    return crew === undefined || crew.definition.profile.trusted === false
      ? Number.POSITIVE_INFINITY
      : crew.load;
  };

  #policy(): RoutePolicy {
    const { confidenceThreshold, fallbackService, onUnavailable, balanceNearTies } = this.#routing;
    const policy = {
      confidenceThreshold,
      fallbackService,
      onUnavailable,
      registered: this.#roster.names,
      isAvailable: this.#isAvailable,
    };
    return balanceNearTies ? { ...policy, loadOf: this.#loadOf } : policy;
  }
}

function takeRanking(task: TaskRecord, { ranked, cause }: Ranking): void {
  task.ranked = ranked;
  if (cause !== undefined) task.lastFailure = cause;
}
