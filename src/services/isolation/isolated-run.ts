import type { OrchestratorError } from '../../core/errors.js';
import { uncloneableInput } from '../../core/errors.js';
import { describeFault, reviveFault } from './fault.js';
import type { Isolate } from './isolate.js';
import type { FromIsolate } from './messages.js';
import type { JobHooks } from './serve-jobs.js';

/** How a job ended. When it is told, its thread or process is idle or gone. */
export type Outcome =
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'fault'; readonly error: Error; readonly isUnusable: boolean }
  | { readonly type: 'died'; readonly error: OrchestratorError };

/**
 * Runs one job. When the signal fires the code is told to abort; if it has not ended soon after, its thread or process
 * is ended.
 */
export async function runOn(isolate: Isolate, id: number, job: unknown, hooks: JobHooks): Promise<Outcome> {
  const { signal } = hooks;
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => {};
  try {
    return await new Promise<Outcome>((resolve) => {
      const onGone = (error: OrchestratorError): void => resolve({ type: 'died', error });
      isolate.onGone = onGone;
      isolate.onMessage = (message) => {
        if (message.id === id) hear(message, hooks, resolve);
      };
      onAbort = () => {
        isolate.post({ type: 'abort', id, reason: describeFault(signal.reason) });
        timer = setTimeout(() => void isolate.end(isolate.abortGraceMs).then(onGone), isolate.abortGraceMs);
      };
      try {
        isolate.post({ type: 'run', id, job });
      } catch (cause) {
        resolve({ type: 'fault', error: uncloneableInput(cause), isUnusable: false });
      }
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    isolate.onMessage = () => {};
    const { droppedBytes } = isolate;
    if (droppedBytes > 0)
      hooks.log.warn({ droppedBytes }, 'output above the limit of one attempt was dropped');
  }
}

function hear(message: FromIsolate, { progress, log }: JobHooks, answer: (outcome: Outcome) => void): void {
  switch (message.type) {
    case 'progress':
      progress(message.fraction, message.message);
      break;
    case 'log':
      log[message.level](message.facts, message.message);
      break;
    case 'value':
      answer({ type: 'value', value: message.value });
      break;
    case 'fault':
      answer({ type: 'fault', error: reviveFault(message.fault), isUnusable: message.isUnusable });
      break;
  }
}
