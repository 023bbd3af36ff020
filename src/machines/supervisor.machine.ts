import { type ActorRefFrom, type ActorSystem, enqueueActions, setup } from 'xstate';
import { type MachineMeta, supervisorGlossary } from './glossary.js';
import { type InstanceDuties, serviceMachine } from './service.machine.js';

/** An instance that wants an actor of its own. */
export interface Hire {
  readonly id: string;
  readonly duties: InstanceDuties;
  /** Called once the actor runs. */
  readonly hired: (actor: ActorRefFrom<typeof serviceMachine>) => void;
}

/** A changed limit: of attempts in all, or of one service. */
export type Resize = {
  readonly maxParallel?: number;
  readonly service?: string;
  readonly concurrency?: number;
};

/** What the supervisor does when its machine says so. Tasks, reports and reasons are the runtime's own, opaque here. */
export interface SupervisorDuties {
  /** Routes submitted tasks and puts them into mailboxes. */
  admit(tasks: readonly unknown[]): void;
  /** Places tasks whose asynchronous route has come. */
  place(tasks: readonly unknown[]): void;
  /** Refuses submitted tasks: shutting down. */
  refuse(tasks: readonly unknown[]): void;
  /** Frees slots and instances, then tells the callers. */
  settle(reports: readonly unknown[]): void;
  cancel(task: unknown, reason: unknown): void;
  /** Answers every waiting task `cancelled`. */
  clear(reason: unknown): void;
  /** Times out what is overdue, wakes what is due. */
  expire(): void;
  /** Hands waiting tasks to free instances, never above `maxParallel`. */
  dispatch(): void;
  resize(change: Resize): void;
  /** Closes the circuit of a service and forgets its failures. */
  resetCircuit(service: string): void;
  /** Follows the registry: a service came, went or was replaced. */
  restaff(change: unknown): void;
  /** Answers what is left `cancelled`: the drain is over. */
  abandonAll(): void;
  /** Looks whether a waiter's condition holds: idle, empty, drained. */
  notify(): void;
  /** An instance's actor died of a defect: its task is answered, another instance is hired when needed. */
  bury(actorId: string, error: unknown): void;
  hasOpenTasks(): boolean;
}

/** Events of the supervisor. */
export type SupervisorEvent =
  | { readonly type: 'SUBMIT'; readonly tasks: readonly unknown[] }
  | { readonly type: 'ROUTED'; readonly tasks: readonly unknown[] }
  | { readonly type: 'REPORT'; readonly reports: readonly unknown[] }
  | { readonly type: 'CANCEL'; readonly task: unknown; readonly reason: unknown }
  | { readonly type: 'CLEAR'; readonly reason: unknown }
  | { readonly type: 'TICK' }
  | { readonly type: 'HIRE'; readonly hires: readonly Hire[] }
  | { readonly type: 'DISMISS'; readonly ids: readonly string[] }
  | { readonly type: 'PAUSE' }
  | { readonly type: 'RESUME' }
  | { readonly type: 'RESIZE'; readonly change: Resize }
  | { readonly type: 'RESET_CIRCUIT'; readonly service: string }
  | { readonly type: 'RESTAFF'; readonly change: unknown }
  | { readonly type: 'DRAIN' }
  | { readonly type: 'STOP' };

type System = ActorSystem<{ actors: Record<string, ActorRefFrom<typeof serviceMachine>> }>;

/** The actor that owns mailboxes and instances and decides what starts. */
export const supervisorMachine = setup({
  types: {
    context: {} as { readonly duties: SupervisorDuties },
    input: {} as { readonly duties: SupervisorDuties },
    events: {} as SupervisorEvent,
    meta: {} as MachineMeta,
  },
  actors: { instance: serviceMachine },
  actions: {
    admit: ({ context, event }) => {
      if (event.type === 'SUBMIT') context.duties.admit(event.tasks);
    },
    refuse: ({ context, event }) => {
      if (event.type === 'SUBMIT') context.duties.refuse(event.tasks);
    },
    place: ({ context, event }) => {
      if (event.type === 'ROUTED') context.duties.place(event.tasks);
    },
    settle: ({ context, event }) => {
      if (event.type === 'REPORT') context.duties.settle(event.reports);
    },
    cancel: ({ context, event }) => {
      if (event.type === 'CANCEL') context.duties.cancel(event.task, event.reason);
    },
    clear: ({ context, event }) => {
      if (event.type === 'CLEAR') context.duties.clear(event.reason);
    },
    resize: ({ context, event }) => {
      if (event.type === 'RESIZE') context.duties.resize(event.change);
    },
    resetCircuit: ({ context, event }) => {
      if (event.type === 'RESET_CIRCUIT') context.duties.resetCircuit(event.service);
    },
    restaff: ({ context, event }) => {
      if (event.type === 'RESTAFF') context.duties.restaff(event.change);
    },
    expire: ({ context }) => context.duties.expire(),
    dispatch: ({ context }) => context.duties.dispatch(),
    abandonAll: ({ context }) => context.duties.abandonAll(),
    notify: ({ context }) => context.duties.notify(),
    hire: enqueueActions(({ enqueue, event }) => {
      if (event.type !== 'HIRE') return;
      for (const hire of event.hires) {
        enqueue.spawnChild('instance', { id: hire.id, systemId: hire.id, input: { instance: hire.duties } });
        enqueue(({ self }) => {
          const actor = (self.system as System).get(hire.id);
          if (actor) hire.hired(actor);
        });
      }
    }),
    dismiss: enqueueActions(({ enqueue, event }) => {
      if (event.type === 'DISMISS') for (const id of event.ids) enqueue.stopChild(id);
    }),
    bury: enqueueActions(({ enqueue, event, context }) => {
      const { actorId, error } = event as unknown as { actorId: string; error: unknown };
      // A dead child would stay among the children for ever.
      enqueue.stopChild(actorId);
      enqueue(() => context.duties.bury(actorId, error));
    }),
    // A child starts after the event that spawned it: what follows needs an event of its own.
    lookAround: ({ self }) => self.send({ type: 'TICK' }),
  },
  guards: {
    hasNoOpenTasks: ({ context }) => !context.duties.hasOpenTasks(),
  },
}).createMachine({
  id: 'supervisor',
  description:
    'Routes each task once, keeps the mailboxes, and assigns tasks to free instances under one limit.',
  context: ({ input }) => input,
  meta: { glossary: supervisorGlossary },
  initial: 'running',
  on: {
    HIRE: {
      description: 'In any state: what was accepted must be able to run.',
      actions: ['hire', 'lookAround'],
    },
    DISMISS: { actions: 'dismiss' },
    'xstate.error.actor.*': {
      description: 'One instance breaks; the others and the supervisor go on.',
      actions: ['bury', 'lookAround'],
    },
  },
  states: {
    running: {
      description: 'Accepts tasks.',
      initial: 'active',
      on: {
        DRAIN: { description: 'No task is lost: those that were accepted are finished.', target: 'draining' },
        STOP: { description: 'At once: what has not ended is answered "cancelled".', target: 'stopped' },
      },
      states: {
        active: {
          description: 'Starts waiting tasks whenever a parallel slot is free.',
          on: {
            SUBMIT: { actions: ['admit', 'dispatch'] },
            REPORT: { actions: ['settle', 'dispatch'] },
            ROUTED: { actions: ['place', 'dispatch'] },
            CANCEL: { actions: ['cancel', 'dispatch'] },
            CLEAR: { actions: ['clear', 'dispatch'] },
            TICK: { actions: ['expire', 'dispatch'] },
            RESIZE: { actions: ['resize', 'dispatch'] },
            RESET_CIRCUIT: { actions: ['resetCircuit', 'dispatch'] },
            RESTAFF: { actions: ['restaff', 'dispatch'] },
            PAUSE: 'paused',
          },
        },
        paused: {
          description: 'Running attempts go on, nothing starts.',
          on: {
            SUBMIT: { actions: ['admit', 'notify'] },
            REPORT: { actions: ['settle', 'notify'] },
            ROUTED: { actions: ['place', 'notify'] },
            CANCEL: { actions: ['cancel', 'notify'] },
            CLEAR: { actions: ['clear', 'notify'] },
            TICK: { actions: ['expire', 'notify'] },
            RESIZE: { actions: 'resize' },
            RESET_CIRCUIT: { actions: ['resetCircuit', 'notify'] },
            RESTAFF: { actions: ['restaff', 'notify'] },
            RESUME: {
              description: 'What has waited meanwhile starts.',
              target: 'active',
              actions: 'dispatch',
            },
          },
        },
      },
    },
    draining: {
      description: 'Refuses what comes, finishes what was accepted.',
      entry: 'dispatch',
      always: {
        description: 'The last task has its result.',
        guard: 'hasNoOpenTasks',
        target: 'stopped',
      },
      on: {
        SUBMIT: { actions: ['refuse', 'notify'] },
        REPORT: { actions: ['settle', 'dispatch'] },
        ROUTED: { actions: ['place', 'dispatch'] },
        CANCEL: { actions: ['cancel', 'dispatch'] },
        CLEAR: { actions: ['clear', 'dispatch'] },
        TICK: { actions: ['expire', 'dispatch'] },
        RESIZE: { actions: ['resize', 'dispatch'] },
        RESET_CIRCUIT: { actions: ['resetCircuit', 'dispatch'] },
        RESTAFF: { actions: ['restaff', 'dispatch'] },
        STOP: { description: 'The time to drain is over.', target: 'stopped' },
      },
    },
    stopped: {
      description: 'Answers what is left and takes nothing more.',
      type: 'final',
      entry: 'abandonAll',
    },
  },
});
