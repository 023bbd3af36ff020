import { silentLog } from '../../src/core/environment.js';
import type { ServiceContext } from '../../src/core/service.js';

/** A context as an instance would give it. */
export function contextOf(fields: Partial<ServiceContext> = {}): ServiceContext {
  return {
    kwargs: {},
    signal: new AbortController().signal,
    attempt: 1,
    taskId: 'task-1',
    deadline: null,
    idempotencyKey: null,
    traceparent: null,
    progress: () => {},
    log: silentLog,
    ...fields,
  };
}
