/**
 * What the names in a machine mean, for people who read its chart. It stands in the `meta` of the machine's root, which
 * nothing reads while the machine runs, and so goes wherever the definition goes: exports, the Stately inspector, the page.
 */
export interface Glossary {
  readonly events: Readonly<Record<string, string>>;
  readonly actions: Readonly<Record<string, string>>;
  readonly guards: Readonly<Record<string, string>>;
  readonly delays: Readonly<Record<string, string>>;
}

/** The `meta` of a machine's root. */
export interface MachineMeta {
  readonly glossary: Glossary;
}

/** The names of the machine of one instance. */
export const serviceGlossary: Glossary = {
  events: {
    ASSIGN: 'The supervisor hands over a task, and a parallel slot with it.',
    PROBE: 'The supervisor hands over the one task that tries whether the service works again.',
    ATTEMPT_FAILED: 'The attempt that ran ended in a failure.',
    RESUME: 'The task that was in backoff has a parallel slot again.',
    RELEASE: 'Nothing is at work here any more.',
    CANCEL_BACKOFF: 'The task in backoff has ended or goes elsewhere.',
    CIRCUIT_OPENED: 'The service broke down too often.',
    CIRCUIT_CLOSED: 'A probe went well, or somebody reset the circuit.',
  },
  actions: {
    startAttempt: "Runs the service's code on the task.",
    resumeAttempt: 'Runs the next attempt of the task that was in backoff.',
    enterBackoff: 'Gives the parallel slot back and tells that the task waits.',
    askForSlot: 'Asks for a parallel slot: the backoff is over.',
    reportFailure: 'Tells the supervisor that the task has failed.',
    giveBack: 'Hands the task back to the supervisor, which finds another service or lets it wait.',
    refuse: 'Gives back a task that came too late, so that it is not lost.',
  },
  guards: {
    canRetry:
      'The failure may be tried again here: retryable, attempts and budget left, deadline far enough.',
    isCircuitOpen: 'The circuit of the service is open.',
    isDown: 'The circuit is open or half open: nothing but its probe runs.',
  },
  delays: {
    backoff: 'Full-jitter exponential backoff, or what the service asked for by Retry-After.',
  },
};

/** The names of the machine of the supervisor. */
export const supervisorGlossary: Glossary = {
  events: {
    SUBMIT: 'Tasks come in: all that were handed over in one turn.',
    ROUTED: 'The routes of tasks have come that a strategy had to wait for.',
    REPORT: 'Instances tell how attempts ended: all of one turn.',
    CANCEL: 'A caller gives a task up.',
    CLEAR: 'Every task that waits is given up.',
    TICK: 'A time limit was reached, a backoff is over, or something changed that may let tasks start.',
    HIRE: 'Services need further instances.',
    DISMISS: 'Instances go: their service was removed, or its concurrency lowered.',
    PAUSE: 'Nothing is to start for a while.',
    RESUME: 'Tasks may start again.',
    RESIZE: 'A limit changes: maxParallel, or the concurrency of a service.',
    RESET_CIRCUIT: 'Somebody knows that a service works again.',
    RESTAFF: 'A service came, went or was replaced.',
    DRAIN: 'Shut down: finish what was accepted.',
    STOP: 'Shut down at once, or the time to drain is over.',
    'xstate.error.actor.*': "An instance's actor broke by a defect of the runtime.",
  },
  actions: {
    admit: 'Routes the tasks and puts them into the mailboxes of their services.',
    place: 'Puts tasks whose route has come into their mailboxes.',
    refuse: 'Answers the tasks that no more are accepted.',
    settle: 'Frees slots and instances, then tells the callers.',
    cancel: 'Answers the task "cancelled" and tells its service.',
    clear: 'Answers every waiting task "cancelled".',
    resize: 'Sets the limit; what runs above it ends by itself.',
    resetCircuit: 'Closes the circuit and forgets the failures.',
    restaff: 'Follows the registry of services.',
    expire: 'Times out what is overdue and wakes what is due.',
    dispatch:
      'Hands waiting tasks to free instances, within maxParallel and the concurrency of each service.',
    abandonAll: 'Answers what is left "cancelled".',
    notify: 'Looks whether somebody waited for this: idle, empty, drained.',
    hire: 'Starts an actor for each further instance.',
    dismiss: 'Stops the actors of the instances.',
    bury: 'Removes the broken actor, answers its task, and hires another one when needed.',
    lookAround: 'Sends itself a TICK, since an actor runs only after the event that started it.',
  },
  guards: {
    hasNoOpenTasks: 'Every accepted task has its result.',
  },
  delays: {},
};
