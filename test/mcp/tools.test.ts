import { describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import { misuse, queueFull } from '../../src/core/errors.js';
import type { OrchestratorPort } from '../../src/core/orchestrator-port.js';
import type { TaskResult } from '../../src/core/result.js';
import { callTool } from '../../src/mcp/call-tool.js';
import { Presence } from '../../src/mcp/presence.js';
import { RunStore } from '../../src/mcp/runs/run-store.js';
import type { ToolAnswer } from '../../src/mcp/tool-answer.js';
import type { ToolCall } from '../../src/mcp/tools/define-tool.js';
import { findTool, TOOLS, toolListings } from '../../src/mcp/tools/tool-table.js';
import {
  failedResult,
  fakeOrchestrator,
  matchedRoute,
  orchestratorStats,
  serviceStatus,
  taskResult,
} from '../support/fake-orchestrator.js';

function callOf(orchestrator: OrchestratorPort, log = silentLog): ToolCall {
  return { orchestrator, runs: new RunStore({ log }), principal: null, presence: new Presence() };
}

/** Calls a tool, and checks that what it answers fits its own output schema. */
async function call(name: string, args: unknown, over: Partial<OrchestratorPort> = {}): Promise<ToolAnswer> {
  const tool = findTool(name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  const answer = await callTool(tool, args, callOf(fakeOrchestrator(over)), silentLog);
  if (answer.structuredContent !== undefined) {
    // As the wire does it, because what JSON drops must not be missing.
    expect(tool.output.safeParse(JSON.parse(JSON.stringify(answer.structuredContent))).error).toBeUndefined();
  }
  return answer;
}

interface ListedService {
  readonly name: string;
  readonly description: string;
  readonly capabilities: readonly string[];
}

function listed({ structuredContent = {} }: ToolAnswer): readonly ListedService[] {
  return structuredContent.services as readonly ListedService[];
}

describe('TOOLS', () => {
  it('have fixed names in a fixed order, short enough for every client', () => {
    expect(TOOLS.map(({ name }) => name)).toEqual([
      'execute',
      'executeParallel',
      'listServices',
      'executeSubtasks',
      'getRun',
      'cancelRun',
      'explainRoute',
    ]);
    for (const { name } of TOOLS) expect(name).toMatch(/^[A-Za-z0-9]{1,24}$/);
  });

  it('say every hint', () => {
    const hints = Object.fromEntries(
      toolListings().map(({ name, annotations }) => [name, annotations.readOnlyHint]),
    );
    expect(hints).toEqual({
      execute: false,
      executeParallel: false,
      executeSubtasks: false,
      listServices: true,
      getRun: true,
      cancelRun: false,
      explainRoute: true,
    });
    for (const { annotations } of toolListings()) expect(Object.values(annotations)).toHaveLength(4);
  });

  it('have schemas without what some clients refuse: lists of types, empty schemas for members, references', () => {
    const text = JSON.stringify(toolListings());
    expect(text).not.toMatch(/"type":\[/);
    expect(text).not.toContain('"additionalProperties":{}');
    expect(text).not.toContain('$ref');
  });

  it('require of the caller only what has no default', () => {
    const required = Object.fromEntries(
      toolListings().map(({ name, inputSchema }) => [name, inputSchema.required ?? []]),
    );
    expect(required).toEqual({
      execute: ['task'],
      executeParallel: ['tasks'],
      executeSubtasks: ['subtasks'],
      listServices: [],
      getRun: ['runId'],
      cancelRun: ['runId'],
      explainRoute: ['task'],
    });
  });
});

describe('execute', () => {
  it('hands task and options to the orchestrator', async () => {
    const execute = vi.fn(async () => taskResult());
    await call('execute', { task: 'hello', service: 'echo', kwargs: { a: 1 }, priority: 2 }, { execute });
    expect(execute).toHaveBeenCalledWith(
      'hello',
      expect.objectContaining({
        service: 'echo',
        kwargs: { a: 1 },
        priority: 2,
        signal: expect.any(AbortSignal),
      }),
    );
  });

  it('answers a short text beside the whole result', async () => {
    const answer = await call(
      'execute',
      { task: 'hello' },
      { execute: async () => taskResult({ result: { text: 'hi', pages: 2 } }) },
    );
    expect(answer.isError).toBe(false);
    expect(answer.text).toBe('echo completed in 0.25 s (matched: keyword echo)\nhi\n{"pages":2}');
    expect(answer.structuredContent).toMatchObject({ status: 'completed', result: { text: 'hi', pages: 2 } });
  });

  const outcomes: readonly [string, TaskResult][] = [
    ['failed', failedResult()],
    ['timed_out', failedResult({ status: 'timed_out', errorCode: 'TIMEOUT' })],
    ['cancelled', failedResult({ status: 'cancelled', errorCode: 'CANCELLED', attempts: 0 })],
    [
      'rejected',
      failedResult({
        status: 'rejected',
        errorCode: 'NO_ROUTE',
        serviceName: null,
        route: null,
        errorDetails: null,
      }),
    ],
    ['interrupted', failedResult({ status: 'interrupted', errorCode: 'INTERRUPTED' })],
  ];
  it.each(outcomes)(
    'keeps the structured content of a task that ended %s, as an error',
    async (status, result) => {
      const answer = await call('execute', { task: 'hello' }, { execute: async () => result });
      expect(answer).toMatchObject({
        isError: true,
        structuredContent: { status, success: false, errorCode: result.errorCode },
      });
      expect(answer.text).toContain(`${result.errorCode}: ${result.error}`);
    },
  );

  it.each<[string, TaskResult['route']]>([
    [
      'no-route',
      { service: null, confidence: 0, usedFallback: false, outcome: 'no-route', why: 'no-match', ranked: [] },
    ],
    ['fallback', matchedRoute({ outcome: 'fallback', usedFallback: true })],
    ['only-service', matchedRoute({ outcome: 'only-service' })],
  ])('answers a route of the outcome %s', async (_name, route) => {
    expect(
      (await call('execute', { task: 'hello' }, { execute: async () => taskResult({ route }) }))
        .structuredContent,
    ).toMatchObject({ route });
  });

  it('answers a result of BigInt, cycles and dates', async () => {
    const result: Record<string, unknown> = { big: 2n ** 70n, at: new Date(0) };
    result.self = result;
    const answer = await call('execute', { task: 'hello' }, { execute: async () => taskResult({ result }) });
    expect(answer.structuredContent?.result).toEqual({
      big: '1180591620717411303424',
      at: '1970-01-01T00:00:00.000Z',
      self: '[Circular]',
    });
  });
});

describe('bad arguments', () => {
  it.each([
    ['execute', {}, /expected string, received undefined\s+→ at task/],
    ['execute', { task: '' }, />=1 characters\s+→ at task/],
    ['execute', { task: 'a', waitSecond: 3 }, /Unrecognized key: "waitSecond"/],
    ['execute', { task: 'a', waitSeconds: 51 }, /<=50\s+→ at waitSeconds/],
    ['executeParallel', { tasks: [{ task: 'a', waitSeconds: 3 }] }, /"waitSeconds"\s+→ at tasks\[0\]/],
    ['getRun', { runId: '' }, />=1 characters\s+→ at runId/],
    ['cancelRun', {}, /expected string, received undefined\s+→ at runId/],
    ['execute', { task: 'a', timeoutSeconds: 0 }, />0\s+→ at timeoutSeconds/],
    ['executeParallel', { tasks: [] }, />=1 items\s+→ at tasks/],
    ['executeParallel', { tasks: new Array(1001).fill('a') }, /<=1000 items\s+→ at tasks/],
    [
      'executeParallel',
      { tasks: ['a', { tsk: 'b' }] },
      /"tsk"\s+→ at tasks\[1\][\s\S]*received undefined\s+→ at tasks\[1\]\.task/,
    ],
    ['executeParallel', { tasks: [7] }, /expected string, received number\s+→ at tasks\[0\]/],
    [
      'executeSubtasks',
      { subtasks: [{ task: 'a', dependsOn: 'b' }] },
      /expected array, received string\s+→ at subtasks\[0\]\.dependsOn/,
    ],
    ['listServices', { state: 'tired' }, /"idle"\|"busy"\|"retrying"\|"failed"\s+→ at state/],
    ['explainRoute', [], /expected object, received array/],
  ])('of %s are an error that names the field: %j', async (name, args, text) => {
    const answer = await call(name, args);
    expect(answer.isError).toBe(true);
    expect(answer.structuredContent).toBeUndefined();
    expect(answer.text).toMatch(text);
  });

  it('that only the orchestrator can see are its own words', async () => {
    const answer = await call(
      'executeSubtasks',
      { subtasks: [{ task: 'a', dependsOn: ['x'] }] },
      {
        executeSubtasks: async () => {
          throw misuse('Subtask 0 depends on "x", which does not exist.');
        },
      },
    );
    expect(answer).toEqual({ isError: true, text: 'Subtask 0 depends on "x", which does not exist.' });
  });
});

describe('executeParallel', () => {
  const batch = (results: TaskResult[]) =>
    call('executeParallel', { tasks: ['a', { task: 'b' }] }, { executeParallel: async () => results });

  it('counts and is no error when one item failed', async () => {
    const answer = await batch([taskResult(), failedResult()]);
    expect(answer).toMatchObject({
      isError: false,
      structuredContent: { status: 'partial', total: 2, succeeded: 1, failed: 1 },
    });
    expect(answer.text).toBe(
      '1 of 2 tasks succeeded, 1 failed.\n1. echo completed: done\n2. echo failed: SERVICE_FAILED: Service "echo" failed on attempt 1: no luck',
    );
  });

  it('is an error when all failed, with every result kept', async () => {
    expect(await batch([failedResult(), failedResult()])).toMatchObject({
      isError: true,
      structuredContent: { status: 'failed', results: [{ success: false }, { success: false }] },
    });
  });

  it('passes limits on', async () => {
    const executeParallel = vi.fn(async () => [taskResult()]);
    await call('executeParallel', { tasks: ['a'], maxParallel: 3, failFast: true }, { executeParallel });
    expect(executeParallel).toHaveBeenCalledWith(
      ['a'],
      expect.objectContaining({ maxParallel: 3, failFast: true }),
    );
  });

  it('counts a result that cannot be sent as failed', async () => {
    expect(await batch([taskResult({ result: Symbol('s') }), taskResult()])).toMatchObject({
      structuredContent: { status: 'partial', results: [{ errorCode: 'UNSERIALISABLE' }, { success: true }] },
    });
  });
});

describe('executeSubtasks', () => {
  it('passes subtasks and order on', async () => {
    const executeSubtasks = vi.fn(async () => [taskResult(), taskResult()]);
    const subtasks = [
      { task: 'a', id: 'one' },
      { task: 'b', dependsOn: ['one'] },
    ];
    const answer = await call('executeSubtasks', { subtasks, parallel: false }, { executeSubtasks });
    expect(executeSubtasks).toHaveBeenCalledWith(subtasks, expect.objectContaining({ parallel: false }));
    expect(answer.structuredContent).toMatchObject({ status: 'completed', succeeded: 2 });
  });
});

describe('listServices', () => {
  const services = [
    serviceStatus({
      description: 'd'.repeat(500),
      capabilities: Array.from({ length: 20 }, (_, n) => `skill ${n}`),
    }),
    serviceStatus({
      name: 'vision',
      state: 'failed',
      lastError: 'no camera',
      retryAt: '2026-01-01T00:00:00.000Z',
    }),
  ];
  const list = (args: object) => call('listServices', args, { listServices: () => services });
  const names = (answer: ToolAnswer) => listed(answer).map(({ name }) => name);

  it('finds by text and by state', async () => {
    expect(names(await list({}))).toEqual(['echo', 'vision']);
    expect(names(await list({ query: 'VISION' }))).toEqual(['vision']);
    expect(names(await list({ query: 'skill 12' }))).toEqual(['echo']);
    expect(names(await list({ state: 'failed' }))).toEqual(['vision']);
  });

  it('is short unless asked for detail', async () => {
    const short = listed(await list({ query: 'skill' }));
    const whole = listed(await list({ query: 'skill', detail: true }));
    expect([short[0]?.description.length, short[0]?.capabilities.length]).toEqual([200, 8]);
    expect([whole[0]?.description.length, whole[0]?.capabilities.length]).toEqual([500, 20]);
  });

  it('says null where there is no limit', async () => {
    const answer = await call(
      'listServices',
      {},
      {
        listServices: () => [serviceStatus({ concurrency: Number.POSITIVE_INFINITY })],
        stats: () => orchestratorStats({ maxParallel: Number.POSITIVE_INFINITY, running: 1, queued: 2 }),
      },
    );
    expect(answer.structuredContent).toMatchObject({
      services: [{ concurrency: null }],
      maxParallel: null,
      running: 1,
      queued: 2,
    });
  });
});

describe('explainRoute', () => {
  it('answers the route', async () => {
    const answer = await call('explainRoute', { task: 'echo' });
    expect(answer.structuredContent).toEqual(matchedRoute());
    expect(answer.text).toBe('echo (matched: keyword echo). Candidates: echo 0.80, chat 0.10.');
  });
});

describe('a run', () => {
  const open = (over: Partial<OrchestratorPort> = {}) => {
    const context = callOf(fakeOrchestrator(over));
    const ask = async (name: string, args: unknown) => {
      const tool = findTool(name);
      if (tool === undefined) throw new Error(`no tool ${name}`);
      const answer = await callTool(tool, args, context, silentLog);
      const json = JSON.parse(JSON.stringify(answer.structuredContent ?? null));
      if (json !== null) expect(tool.output.safeParse(json).error).toBeUndefined();
      return answer;
    };
    return { ask, runs: context.runs };
  };
  const never = () => new Promise<never>(() => {});
  const runIdOf = ({ structuredContent }: ToolAnswer) => String(structuredContent?.runId);

  it.each([
    ['execute', { task: 'a' }],
    ['executeParallel', { tasks: ['a'] }],
    ['executeSubtasks', { subtasks: [{ task: 'a' }] }],
  ] as const)('of %s is told while it works, and stopped', async (name, args) => {
    const { ask } = open({ execute: never, executeParallel: never, executeSubtasks: never });
    const running = await ask(name, { ...args, waitSeconds: 0 });
    const runId = runIdOf(running);
    expect(running).toMatchObject({ isError: false, structuredContent: { runId, status: 'running' } });
    expect(running.text).toContain(`Call getRun with runId "${runId}"`);
    expect(await ask('getRun', { runId, waitSeconds: 0 })).toEqual(running);
  });

  it.each([
    ['execute', { task: 'a' }],
    ['executeParallel', { tasks: ['a', 'b'] }],
    ['executeSubtasks', { subtasks: [{ task: 'a' }] }],
  ] as const)('of %s answers getRun as it answered the call', async (name, args) => {
    const { ask } = open();
    const answer = await ask(name, args);
    expect(await ask('getRun', { runId: runIdOf(answer) })).toEqual(answer);
  });

  it('keeps what the orchestrator refused', async () => {
    const { ask } = open({
      executeSubtasks: async () => {
        throw misuse('Subtask 0 depends on "x", which does not exist.');
      },
    });
    const subtasks = [{ task: 'a', dependsOn: ['x'] }];
    const runId = runIdOf(await ask('executeSubtasks', { subtasks, waitSeconds: 0 }));
    expect(await ask('getRun', { runId })).toMatchObject({
      isError: true,
      text: 'Subtask 0 depends on "x", which does not exist.',
    });
    expect(await ask('cancelRun', { runId })).toMatchObject({
      structuredContent: { status: 'failed', wasRunning: false },
    });
  });

  it('that is unknown is NOT_FOUND', async () => {
    const { ask } = open();
    for (const name of ['getRun', 'cancelRun']) {
      const answer = await ask(name, { runId: 'nonsense' });
      expect(answer).toMatchObject({
        isError: true,
        text: expect.stringMatching(/^NOT_FOUND: .*"nonsense"/),
      });
    }
  });

  it('whose result is too large for an answer says where the whole is, and keeps it', async () => {
    const result = 'x'.repeat(2 * 1024 * 1024);
    const { ask, runs } = open({ execute: async () => taskResult({ result }) });
    const answer = await ask('execute', { task: 'a' });
    const runId = runIdOf(answer);
    const wholeUri = `gaffr://runs/${runId}`;
    expect(answer).toMatchObject({
      isError: true,
      wholeUri,
      structuredContent: {
        errorCode: 'RESULT_TOO_LARGE',
        result: null,
        errorDetails: { uri: wholeUri, preview: expect.stringMatching(/^x{1024}$/) },
      },
    });
    expect(answer.text).toContain(wholeUri);
    expect(JSON.parse(runs.find(runId, null).wholeJson())).toMatchObject({ runId, success: true, result });
  });

  it('whose result is too large to be kept says nothing of a whole', async () => {
    const { ask, runs } = open({ execute: async () => taskResult({ result: 'x'.repeat(5 * 1024 * 1024) }) });
    const answer = await ask('execute', { task: 'a' });
    expect(answer.text).not.toContain('gaffr://');
    expect(answer).not.toHaveProperty('wholeUri');
    expect(runs.find(runIdOf(answer), null).wholeJson()).toContain('RESULT_TOO_LARGE');
  });

  it('of a batch keeps the results that had no room', async () => {
    const results = [taskResult({ result: 'small' }), taskResult({ result: 'y'.repeat(1024 * 1024 + 1) })];
    const { ask, runs } = open({ executeParallel: async () => results });
    const answer = await ask('executeParallel', { tasks: ['a', 'b'] });
    const wholeUri = `gaffr://runs/${runIdOf(answer)}`;
    expect(answer).toMatchObject({
      isError: false,
      wholeUri,
      structuredContent: {
        status: 'partial',
        results: [{ result: 'small' }, { errorCode: 'RESULT_TOO_LARGE', errorDetails: { uri: wholeUri } }],
      },
    });
    expect(JSON.parse(runs.find(runIdOf(answer), null).wholeJson())).toMatchObject({
      status: 'completed',
      results: [{ result: 'small' }, { success: true }],
    });
  });

  it('scopes the keys of every task in it', async () => {
    const seen: unknown[] = [];
    const take = (tasks: readonly unknown[]) => {
      seen.push(...tasks);
      return Promise.resolve(tasks.map(() => taskResult()));
    };
    const { ask } = open({ executeParallel: take, executeSubtasks: take });
    await ask('executeParallel', { tasks: ['a', { task: 'b', idempotencyKey: 'k' }] });
    await ask('executeSubtasks', { subtasks: [{ task: 'c', idempotencyKey: 'k'.repeat(256) }] });
    expect(seen[0]).toBe('a');
    const keys = seen.slice(1).map((each) => (each as { idempotencyKey: string }).idempotencyKey);
    expect(keys[0]).toMatch(/^run:k#[\w-]{43}$/);
    expect(keys[1]).toMatch(/^run:k{200}#[\w-]{43}$/);
  });
});

describe('a fault of ours', () => {
  it('answers INTERNAL with an error id, and tells the cause to the log alone', async () => {
    const error = vi.fn();
    const orchestrator = fakeOrchestrator({
      execute: async () => {
        throw new Error('cannot read /home/me/secret');
      },
    });
    const tool = findTool('execute');
    if (tool === undefined) throw new Error('no tool');
    const log = { ...silentLog, error };
    const answer = await callTool(tool, { task: 'a' }, callOf(orchestrator, log), log);
    expect(answer).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^INTERNAL: .*error id [0-9a-f-]{36}/),
    });
    expect(answer.text).not.toContain('secret');
    const [facts] = error.mock.calls[0] ?? [];
    expect(answer.text).toContain(facts.errorId);
    expect(facts.err.message).toContain('secret');
  });

  it('lets the error of a refused call through by its code', async () => {
    const execute = async () => {
      throw queueFull('echo', 3, 1);
    };
    expect((await call('execute', { task: 'a' }, { execute })).text).toMatch(
      /^QUEUE_FULL: Mailbox of "echo"/,
    );
  });
});
