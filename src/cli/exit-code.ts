/** How the process ends, and what a script may rely on. */
export const EXIT = {
  success: 0,
  /** A task failed, the output could not be written, or a connection broke the rules of its transport. */
  taskFailed: 1,
  usage: 2,
  configuration: 3,
  /** What is needed belongs to another process that runs; try again later. */
  busy: 75,
  /** A fault that nobody caught. */
  fatal: 70,
  /** Stopped at once by a second interrupt. */
  interrupted: 130,
} as const;

/** One of the exit codes of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The command line was not understood; ends with {@link EXIT.usage}. The message is for people. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Another process has what is needed; ends with {@link EXIT.busy}. */
export class BusyError extends Error {
  override readonly name = 'BusyError';
}

/** What the flags name does not exist or cannot work; ends with {@link EXIT.configuration}. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}
