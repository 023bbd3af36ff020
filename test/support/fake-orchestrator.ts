import { explicitRoute } from '../../src/core/decide-route.js';
import type { OrchestratorPort, OrchestratorStats } from '../../src/core/orchestrator-port.js';
import type { TaskResult } from '../../src/core/result.js';
import type { Route } from '../../src/core/route.js';
import type { ServiceStatus } from '../../src/core/service.js';

/** A complete result; `over` says what matters to the test. */
export function taskResult(over: Partial<TaskResult> = {}): TaskResult {
  return {
    taskId: 'task-1',
    status: 'completed',
    serviceName: 'echo',
    success: true,
    result: 'done',
    error: null,
    errorCode: null,
    errorDetails: null,
    executionTime: 0.25,
    queueTime: 0,
    attempts: 1,
    route: matchedRoute(),
    ...over,
  };
}

/** A result that failed with a code. */
export function failedResult(over: Partial<TaskResult> = {}): TaskResult {
  return taskResult({
    status: 'failed',
    success: false,
    result: null,
    error: 'Service "echo" failed on attempt 1: no luck',
    errorCode: 'SERVICE_FAILED',
    errorDetails: { service: 'echo', attempt: 1 },
    ...over,
  });
}

/** A route with every kind of reason. */
export function matchedRoute(over: Partial<Route> = {}): Route {
  return {
    service: 'echo',
    confidence: 0.8,
    usedFallback: false,
    outcome: 'matched',
    why: 'keyword echo',
    ranked: [
      {
        service: 'echo',
        confidence: 0.8,
        strategy: 'keyword',
        reasons: [
          { kind: 'keyword', keyword: 'echo', at: 0, score: 1 },
          { kind: 'term', term: 'sound', weight: 0.5 },
          { kind: 'example', text: 'echo this', similarity: 0.9 },
          { kind: 'custom', note: 'because' },
        ],
      },
      { service: 'chat', confidence: 0.1 },
    ],
    ...over,
  };
}

export function serviceStatus(over: Partial<ServiceStatus> = {}): ServiceStatus {
  return {
    name: 'echo',
    description: 'Repeats what it hears.',
    capabilities: ['repeat text'],
    state: 'idle',
    instances: { idle: 1, busy: 0, retrying: 0, failed: 0 },
    concurrency: 5,
    queued: 0,
    completed: 0,
    failed: 0,
    lastError: null,
    retryAt: null,
    ...over,
  };
}

export function orchestratorStats(over: Partial<OrchestratorStats> = {}): OrchestratorStats {
  return {
    maxParallel: 5,
    running: 0,
    queued: 0,
    retrying: 0,
    abandoned: 0,
    submitted: 0,
    completed: 0,
    failed: 0,
    timedOut: 0,
    cancelled: 0,
    rejected: 0,
    lateSettlements: 0,
    isPaused: false,
    ...over,
  };
}

/** An orchestrator whose answers a test decides; what it does not say has a friendly default. */
export function fakeOrchestrator(over: Partial<OrchestratorPort> = {}): OrchestratorPort {
  return {
    execute: async (task) => taskResult({ result: `echo ${task}`, route: explicitRoute('echo') }),
    executeParallel: async (tasks) => tasks.map((_, index) => taskResult({ taskId: `task-${index + 1}` })),
    executeSubtasks: async (subtasks) =>
      subtasks.map((_, index) => taskResult({ taskId: `task-${index + 1}` })),
    explain: async () => matchedRoute(),
    listServices: () => [serviceStatus()],
    stats: () => orchestratorStats(),
    close: async () => {},
    ...over,
  };
}
