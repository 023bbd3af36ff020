/**
 * Owns: the job that runs in this thread or process. Talks to: the host, through a port.
 *
 * - L1 One job at a time, and one `value` or `fault` for each.
 * - L2 Nothing is said of a job after its answer; what code of an earlier job still says is dropped.
 */
import type { Log } from '../../core/environment.js';
import { progressOf } from '../../core/progress.js';
import { isLargerThan, previewOf } from '../../core/size.js';
import { describeFault, reviveFault } from './fault.js';
import { valueNotCopied, valueTooLarge } from './isolation-errors.js';
import type { FromIsolate, ToIsolate } from './messages.js';

/** The way to the host. */
export interface HostPort<J> {
  /** Throws when the message cannot be copied. */
  post(message: FromIsolate): void;
  onMessage(listener: (message: ToIsolate<J>) => void): void;
}

/** What a job may say and hear while it runs. */
export interface JobHooks {
  readonly signal: AbortSignal;
  readonly progress: (fraction: number, message?: string) => void;
  readonly log: Log;
}

/** What runs here. */
export interface JobServer<J> {
  readonly run: (job: J, hooks: JobHooks) => unknown;
  /** Lets go of what the code holds; ends this thread or process. */
  readonly close: () => unknown;
  readonly maxResultBytes: number;
  /** Called before each job. */
  readonly begin?: () => void;
  /** Whether, after a fault, a further job is better run elsewhere. */
  readonly isUnusable?: () => boolean;
}

/** Progress and log lines a job may send per second; what is above is dropped, so that no queue grows in the host. */
const MOST_NOTES_PER_SECOND = 1000;

/** Runs what the host sends, until it says `close`. */
export function serveJobs<J>(port: HostPort<J>, server: JobServer<J>): void {
  let current: { readonly id: number; readonly controller: AbortController } | null = null;

  port.onMessage(async (message) => {
    if (message.type === 'close') {
      await server.close();
    } else if (message.type === 'abort') {
      if (current?.id === message.id) current.controller.abort(reviveFault(message.reason));
    } else {
      const { id, job } = message;
      const controller = new AbortController();
      current = { id, controller };
      const answer = await answerJob(id, job, controller.signal);
      current = null;
      post(port, answer);
    }
  });

  async function answerJob(id: number, job: J, signal: AbortSignal): Promise<FromIsolate> {
    try {
      server.begin?.();
      const value = await server.run(job, hooksOf(id, signal));
      if (isLargerThan(value, server.maxResultBytes)) {
        throw valueTooLarge(server.maxResultBytes, previewOf(value));
      }
      return { type: 'value', id, value };
    } catch (cause) {
      return { type: 'fault', id, fault: describeFault(cause), isUnusable: server.isUnusable?.() ?? false };
    }
  }

  function hooksOf(id: number, signal: AbortSignal): JobHooks {
    let sinceMs = performance.now();
    let count = 0;
    const note = (message: FromIsolate): void => {
      if (performance.now() - sinceMs > 1000) {
        sinceMs = performance.now();
        count = 0;
      }
      count += 1;
      if (current?.id === id && count <= MOST_NOTES_PER_SECOND) port.post(message);
    };
    const level = (name: keyof Log) => (facts: object, text: string) => {
      const line = { type: 'log', id, level: name, message: String(text) } as const;
      try {
        note({ ...line, facts });
      } catch {
        // Facts that cannot be copied are left behind; the line itself goes.
        note({ ...line, facts: {} });
      }
    };
    return {
      signal,
      progress: (fraction, message) => {
        const progress = progressOf(fraction, message);
        if (progress !== null) note({ type: 'progress', id, ...progress });
      },
      log: { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') },
    };
  }
}

/** The value of a job may be something that cannot be copied, a function say; then that is the answer. */
function post<J>(port: HostPort<J>, answer: FromIsolate): void {
  try {
    port.post(answer);
  } catch (cause) {
    const fault = describeFault(valueNotCopied(cause));
    port.post({ type: 'fault', id: answer.id, fault, isUnusable: false });
  }
}
