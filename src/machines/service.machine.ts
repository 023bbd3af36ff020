import { setup } from 'xstate';
import { type MachineMeta, serviceGlossary } from './glossary.js';

/**
 * What an instance does when its machine says so. The machine holds the wiring, the instance the logic.
 * `Task` is the runtime's own record, opaque here.
 */
export interface InstanceDuties<Task = unknown> {
  /** Runs one attempt of the task; its outcome comes back as an event or a report, never as an exception. */
  startAttempt(task: Task): void;
  /** Runs the next attempt of the task that was in backoff. */
  resumeAttempt(): void;
  /** Gives the parallel slot back and tells that the task waits. */
  enterBackoff(): void;
  /** Asks for a parallel slot: the backoff is over. */
  askForSlot(): void;
  /** Tells the supervisor that the task ended with a failure. */
  reportFailure(): void;
  /** Hands the task back to the supervisor, which finds another service or lets it wait. */
  giveBack(): void;
  /** Gives back a task that it cannot take in this state; it must not be lost. */
  refuse(task: Task): void;
  /** The failure may be tried again here: retryable, attempts and budget left, deadline far enough. */
  canRetry(): boolean;
  /** The circuit of the service is open. */
  isCircuitOpen(): boolean;
  /** The circuit of the service is open or half open: nothing but its probe runs. */
  isDown(): boolean;
  /** Milliseconds until the next attempt. */
  backoffMs(): number;
}

/** Events of one instance. */
export type InstanceEvent =
  | { readonly type: 'ASSIGN'; readonly task: unknown }
  | { readonly type: 'PROBE'; readonly task: unknown }
  | { readonly type: 'ATTEMPT_FAILED' }
  | { readonly type: 'RESUME' }
  | { readonly type: 'RELEASE' }
  | { readonly type: 'CANCEL_BACKOFF' }
  | { readonly type: 'CIRCUIT_OPENED' }
  | { readonly type: 'CIRCUIT_CLOSED' };

/** One long-lived actor per instance of a service; it works on one task at a time. */
export const serviceMachine = setup({
  types: {
    context: {} as { readonly instance: InstanceDuties },
    input: {} as { readonly instance: InstanceDuties },
    events: {} as InstanceEvent,
    meta: {} as MachineMeta,
  },
  actions: {
    startAttempt: ({ context, event }) => {
      if ('task' in event) context.instance.startAttempt(event.task);
    },
    refuse: ({ context, event }) => {
      if ('task' in event) context.instance.refuse(event.task);
    },
    resumeAttempt: ({ context }) => context.instance.resumeAttempt(),
    enterBackoff: ({ context }) => context.instance.enterBackoff(),
    askForSlot: ({ context }) => context.instance.askForSlot(),
    reportFailure: ({ context }) => context.instance.reportFailure(),
    giveBack: ({ context }) => context.instance.giveBack(),
  },
  guards: {
    canRetry: ({ context }) => context.instance.canRetry(),
    isCircuitOpen: ({ context }) => context.instance.isCircuitOpen(),
    isDown: ({ context }) => context.instance.isDown(),
  },
  delays: {
    backoff: ({ context }) => context.instance.backoffMs(),
  },
}).createMachine({
  id: 'service',
  description: 'One instance of a service: takes one task at a time and owns its attempts and its backoff.',
  context: ({ input }) => input,
  meta: { glossary: serviceGlossary },
  initial: 'idle',
  states: {
    idle: {
      description: 'Free: the supervisor may assign a task.',
      on: {
        ASSIGN: [
          {
            description: 'The circuit has opened between assignment and start.',
            guard: 'isCircuitOpen',
            target: 'failed',
            actions: 'refuse',
          },
          { description: 'The usual way to work.', target: 'busy', actions: 'startAttempt' },
        ],
        PROBE: {
          description: 'It was hired after the circuit opened, and is the one that tries.',
          target: 'busy',
          actions: 'startAttempt',
        },
        CIRCUIT_OPENED: 'failed',
      },
    },
    busy: {
      description: 'One attempt runs, or an abandoned one has not ended yet.',
      on: {
        ASSIGN: {
          description:
            'Hand-over: the next task without leaving busy. It may begin a row of quick tasks, the others of which need no event.',
          actions: 'startAttempt',
        },
        ATTEMPT_FAILED: [
          {
            description: 'Not the task but the service is at fault: the task may go to another one.',
            guard: 'isDown',
            target: 'failed',
            actions: 'giveBack',
          },
          {
            description: 'A retryable failure, with attempts, budget and time left.',
            guard: 'canRetry',
            target: 'retrying',
            actions: 'enterBackoff',
          },
          {
            description: 'The failure is the result. The supervisor says what comes next.',
            actions: 'reportFailure',
          },
        ],
        RELEASE: [
          { description: 'Free, but the service is down.', guard: 'isDown', target: 'failed' },
          { description: 'Free for any task.', target: 'idle' },
        ],
      },
    },
    retrying: {
      description: 'Backoff: the task stays here, its parallel slot is given back until it is due again.',
      after: {
        backoff: {
          description: 'The task is due; it waits here until the supervisor has a slot for it.',
          actions: 'askForSlot',
        },
      },
      on: {
        RESUME: {
          description: 'The next attempt, ahead of tasks that were never started.',
          target: 'busy',
          actions: 'resumeAttempt',
        },
        CANCEL_BACKOFF: { description: 'The task needs no further attempt here.', target: 'idle' },
        CIRCUIT_OPENED: {
          description: 'Others broke down meanwhile: the task is not kept waiting for this service.',
          target: 'failed',
          actions: 'giveBack',
        },
        ASSIGN: {
          description: 'It has a task already; the other one keeps its place.',
          actions: 'refuse',
        },
      },
    },
    failed: {
      description:
        'The circuit of the service is open: nothing is assigned but one probe after the cool-down.',
      on: {
        PROBE: {
          description: 'Half open: one attempt tries whether the service works again.',
          target: 'busy',
          actions: 'startAttempt',
        },
        CIRCUIT_CLOSED: 'idle',
        ASSIGN: [
          {
            description: 'Assigned before the circuit opened: the task keeps its place.',
            guard: 'isCircuitOpen',
            actions: 'refuse',
          },
          {
            description: 'The circuit has closed; the event that says so is on its way.',
            target: 'busy',
            actions: 'startAttempt',
          },
        ],
      },
    },
  },
});
