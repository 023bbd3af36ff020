import type { OrchestratorPort } from 'gaffr';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type AgentToolName, agentTools } from '../../src/adapters/agent-tools.js';
import { batchResultSchema } from '../../src/mcp/tools/batch-result.schema.js';
import { TOOLS } from '../../src/mcp/tools/tool-table.js';
import { createOrchestrator } from '../../src/orchestrator.js';
import { failedResult, fakeOrchestrator, taskResult } from '../support/fake-orchestrator.js';
import { manualService } from '../support/simulation.js';

function toolOf(name: AgentToolName, orchestrator: OrchestratorPort = fakeOrchestrator()) {
  const [tool] = agentTools(orchestrator, { tools: [name] });
  if (tool === undefined) throw new Error(name);
  return tool;
}

describe('agentTools()', () => {
  it('are those of the MCP server but for the two about runs, and speak of no run', () => {
    const tools = agentTools(fakeOrchestrator());
    const names = TOOLS.map(({ name }) => name).filter((name) => !/Run$/.test(name));
    expect(tools.map(({ name }) => name)).toEqual(names);
    for (const { description, input } of tools) {
      expect(description).not.toMatch(/run"|getRun| {2}/);
      expect(Object.keys(input.shape)).not.toContain('waitSeconds');
    }
  });

  it('list no field as required that has a default, and keep what is said of it', () => {
    const schema = z.toJSONSchema(toolOf('executeParallel').input, { io: 'output' });
    expect(schema.required).toEqual(['tasks']);
    expect(schema.properties?.failFast).toMatchObject({
      description: expect.stringContaining('first failure'),
    });
  });

  it.each<[AgentToolName, object]>([
    ['execute', { task: 'x' }],
    ['executeParallel', { tasks: ['x', { task: 'y', priority: 2 }] }],
    ['listServices', {}],
    ['executeSubtasks', { subtasks: [{ task: 'x' }] }],
    ['explainRoute', { task: 'x' }],
  ])('%s answers what its schema says, without the id of a run', async (name, args) => {
    const { value, isError } = await toolOf(name).call(args);
    const schema = name.startsWith('executeP') || name === 'executeSubtasks' ? batchResultSchema : null;
    expect(isError).toBe(false);
    expect(value).not.toHaveProperty('runId');
    if (schema !== null) expect(schema.parse(value)).toEqual(value);
  });

  it('fill in the defaults that the schema does not show', async () => {
    const seen: unknown[] = [];
    const orchestrator = fakeOrchestrator({
      executeSubtasks: async (subtasks, options) => {
        seen.push(options?.parallel);
        return subtasks.map(() => taskResult());
      },
    });
    await toolOf('executeSubtasks', orchestrator).call({ subtasks: [{ task: 'x' }] });
    expect(seen).toEqual([true]);
  });

  it('answer a failed task as a value, and one that was aborted at once', async () => {
    const slow = manualService();
    const orchestrator = createOrchestrator({ services: { slow } });
    const abort = new AbortController();
    const call = toolOf('execute', orchestrator).call({ task: 'x' }, { signal: abort.signal });
    abort.abort(new Error('enough'));
    expect(await call).toMatchObject({
      isError: true,
      value: { status: 'cancelled', errorCode: 'CANCELLED' },
    });
    const again = await toolOf('execute', orchestrator).call({ task: 'x' }, { signal: abort.signal });
    expect(again.value).toMatchObject({ status: 'cancelled', attempts: 0 });
    const failing = fakeOrchestrator({ execute: async () => failedResult() });
    expect(await toolOf('execute', failing).call({ task: 'x' })).toMatchObject({
      isError: true,
      value: { status: 'failed', errorCode: 'SERVICE_FAILED' },
    });
  });

  it.each([
    ['no object', 'do it', /expected object/],
    ['a field too many', { task: 'x', pages: 2 }, /Unrecognized key: "pages"/],
    ['a field of runs', { task: 'x', waitSeconds: 2 }, /Unrecognized key: "waitSeconds"/],
    ['nothing', undefined, /expected object/],
  ])('refuse %s and say why', async (_case, args, why) => {
    const { value, isError } = await toolOf('execute').call(args);
    expect(isError).toBe(true);
    expect(value).toMatchObject({ status: 'refused', error: expect.stringMatching(why) });
  });

  it('refuse subtasks in a circle, and hide what is our own fault behind an id', async () => {
    const orchestrator = createOrchestrator({ services: { echo: (task: string) => task } });
    const circle = { subtasks: [{ id: 'a', task: 'x', dependsOn: ['a'] }] };
    expect((await toolOf('executeSubtasks', orchestrator).call(circle)).value).toMatchObject({
      status: 'refused',
      error: expect.stringContaining('circle'),
    });
    const broken = fakeOrchestrator({ explain: () => Promise.reject(new Error('secret-1234')) });
    const { value } = await toolOf('explainRoute', broken).call({ task: 'x' });
    expect(value).toMatchObject({ status: 'refused', error: expect.stringMatching(/^INTERNAL: .*error id/) });
    expect(JSON.stringify(value)).not.toContain('secret-1234');
  });

  it('answer plain JSON, and point nowhere for a result that is too large', async () => {
    const services = { big: () => 'x'.repeat(2 * 1024 * 1024), odd: () => ({ id: 12n }) };
    const orchestrator = createOrchestrator({ services });
    const { call } = toolOf('execute', orchestrator);
    expect((await call({ task: 'x', service: 'odd' })).value).toMatchObject({ result: { id: '12' } });
    const { value } = await call({ task: 'x', service: 'big' });
    expect(value).toMatchObject({ status: 'failed', errorCode: 'RESULT_TOO_LARGE' });
    expect(JSON.stringify(value)).not.toContain('gaffr://');
  });

  it('key each task of a call by the call’s id behind the prefix', async () => {
    const keys: unknown[] = [];
    const orchestrator = fakeOrchestrator({
      execute: async (_task, options) => {
        keys.push(options?.idempotencyKey?.replace(/#.*/, ''));
        return taskResult();
      },
      executeParallel: async (tasks) => {
        keys.push(tasks.map((task) => typeof task === 'object' && task.idempotencyKey?.replace(/#.*/, '')));
        return tasks.map(() => taskResult());
      },
    });
    const [execute, parallel] = agentTools(orchestrator, { idempotencyPrefix: 'talk' });
    await execute?.call({ task: 'x' }, { callId: 'c1' });
    await execute?.call({ task: 'x', idempotencyKey: 'own' }, { callId: 'c2' });
    await parallel?.call({ tasks: ['x', { task: 'y', idempotencyKey: 'own' }] }, { callId: 'c3' });
    await execute?.call({ task: 'x' }, { callId: 'c'.repeat(400) });
    expect(keys).toEqual([
      'run:talk:c1',
      'run:own',
      ['run:talk:c3:0', 'run:own'],
      expect.stringMatching(/^run:[\w-]{43}$/),
    ]);
  });

  it('are named rightly or refused', () => {
    expect(() => agentTools(fakeOrchestrator(), { tools: ['getRun' as never] })).toThrow(/no tool "getRun"/);
  });
});
