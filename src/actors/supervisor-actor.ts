import { type Actor, createActor, type InspectionEvent } from 'xstate';
import type { Clock, Log } from '../core/environment.js';
import { type SupervisorDuties, supervisorMachine } from '../machines/supervisor.machine.js';

/** The running supervisor. */
export type SupervisorActor = Actor<typeof supervisorMachine>;

/** Makes the supervisor's actor; `collapsed` is told when a defect stopped it. */
export function createSupervisorActor(
  duties: SupervisorDuties,
  ports: {
    readonly clock: Clock;
    readonly log: Log;
    readonly inspect: ((event: InspectionEvent) => void) | undefined;
    readonly collapsed: (cause: unknown) => void;
  },
): SupervisorActor {
  const { clock, log, inspect, collapsed } = ports;
  const actor = createActor(supervisorMachine, {
    id: 'supervisor',
    systemId: 'supervisor',
    input: { duties },
    // XState hands back the ids that this clock gave it.
    clock: clock as NonNullable<NonNullable<Parameters<typeof createActor>[1]>['clock']>,
    ...(inspect === undefined ? {} : { inspect: guarded(inspect, log) }),
  });
  actor.subscribe({ error: collapsed });
  return actor;
}

/** An inspector that throws would stop the actor. */
function guarded(inspect: (event: InspectionEvent) => void, log: Log): (event: InspectionEvent) => void {
  return (event) => {
    try {
      inspect(event);
    } catch (cause) {
      log.warn({ cause }, 'an inspector threw');
    }
  };
}

/** Ends a supervisor: lets accepted work go on for a while, then stops it. */
export class Drain {
  readonly #actor: SupervisorActor;
  readonly #clock: Clock;
  readonly #stopped: Promise<void>;
  #timer: unknown;

  constructor(actor: SupervisorActor, clock: Clock) {
    this.#actor = actor;
    this.#clock = clock;
    this.#stopped = new Promise((resolve) => actor.subscribe({ complete: resolve, error: () => resolve() }));
  }

  /** Resolves once the supervisor stopped, at the latest after `drainMs`; called again, the last time limit holds. */
  begin(drainMs: number): Promise<void> {
    this.end();
    this.#actor.send({ type: 'DRAIN' });
    if (drainMs <= 0) this.#actor.send({ type: 'STOP' });
    else if (this.#actor.getSnapshot().status === 'active') {
      this.#timer = this.#clock.setTimeout(() => this.#actor.send({ type: 'STOP' }), drainMs);
    }
    return this.#stopped;
  }

  /** Drops the time limit. */
  end(): void {
    this.#clock.clearTimeout(this.#timer);
  }
}
