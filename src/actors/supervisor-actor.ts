import { type Actor, createActor, type InspectionEvent } from 'xstate';
import type { Clock, Log } from '../core/environment.js';
import { fastLane } from '../machines/fast-lane.js';
import { serviceMachine } from '../machines/service.machine.js';
import { type SupervisorDuties, supervisorMachine } from '../machines/supervisor.machine.js';

const fastSupervisor = fastLane(
  supervisorMachine.provide({ actors: { instance: fastLane(serviceMachine) } }),
);

/** The running supervisor. */
export type SupervisorActor = Actor<typeof supervisorMachine>;

/** Makes the supervisor's actor; `collapsed` is told when a defect stopped it. */
export function createSupervisorActor(
  duties: SupervisorDuties,
  ports: {
    readonly clock: Clock;
    readonly log: Log;
    readonly inspect: ((event: InspectionEvent) => void) | undefined;
    /** Ignored while an inspector looks on: it is to see every step. */
    readonly fastLane: boolean;
    readonly collapsed: (cause: unknown) => void;
  },
): SupervisorActor {
  const { clock, log, inspect, collapsed } = ports;
  const isFast = ports.fastLane && inspect === undefined;
  const actor = createActor(isFast ? fastSupervisor : supervisorMachine, {
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
