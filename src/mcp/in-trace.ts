import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { traceHeadersOf } from '../core/tracing.js';

/**
 * The orchestrator as one request sees it: its tasks are part of the trace that the request's `_meta` names by
 * `traceparent` and `tracestate`. What is not valid there is ignored, as W3C Trace Context asks for.
 */
export function inTrace(
  orchestrator: OrchestratorPort,
  meta: Readonly<Record<string, unknown>> | undefined,
): OrchestratorPort {
  const { traceparent, tracestate } = traceHeadersOf(meta?.traceparent, meta?.tracestate);
  if (traceparent === null) return orchestrator;
  const headers = { traceparent, ...(tracestate !== null && { tracestate }) };
  const own: Pick<OrchestratorPort, 'execute' | 'executeParallel' | 'executeSubtasks'> = {
    execute: (task, options) => orchestrator.execute(task, { ...options, ...headers }),
    executeParallel: (tasks, options) => orchestrator.executeParallel(tasks, { ...options, ...headers }),
    executeSubtasks: (subtasks, options) =>
      orchestrator.executeSubtasks(subtasks, { ...options, ...headers }),
  };
  return new Proxy(orchestrator, {
    get(target, key) {
      if (Object.hasOwn(own, key)) return own[key as keyof typeof own];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
