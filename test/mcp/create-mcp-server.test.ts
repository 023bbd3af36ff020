import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import { createOrchestrator, type ServiceContext } from 'gaffr';
import { createMcpServer } from 'gaffr/mcp';
import { expect, it } from 'vitest';

it('createMcpServer() serves tools, resources and prompts over a transport of the application', async () => {
  const orchestrator = createOrchestrator({ services: { echo: (task) => `echo ${task}` } });
  const [near, far] = InMemoryTransport.createLinkedPair();
  await createMcpServer(orchestrator, { version: '9.9.9' }).connect(far);
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(near);
  expect(client.getServerVersion()).toMatchObject({ name: 'gaffr', version: '9.9.9' });
  expect(client.getServerCapabilities()).toMatchObject({
    tools: {},
    resources: { subscribe: true },
    prompts: {},
    completions: {},
  });
  expect(await client.callTool({ name: 'execute', arguments: { task: 'a' } })).toMatchObject({
    structuredContent: { result: 'echo a' },
  });
  expect((await client.listResources()).resources.length).toBeGreaterThan(2);
  expect((await client.listPrompts()).prompts).toHaveLength(2);
  await client.close();
  await orchestrator.close();
});

it.each([
  ['NaN', [Number.NaN, 'half'], {}],
  ['a bigint', [1n], {}],
  ['7', [7], { progress: 1 }],
  ['a message that is no text', [0.5, 1n], { progress: 0.5 }],
])('a run whose service reports %s as its progress is answered', async (_, report, expected) => {
  let end = (): void => {};
  const service = (_task: string, { progress }: ServiceContext) => {
    Reflect.apply(progress, undefined, report);
    return new Promise<void>((resolve) => {
      end = resolve;
    });
  };
  const orchestrator = createOrchestrator({ services: { service } });
  const [near, far] = InMemoryTransport.createLinkedPair();
  await createMcpServer(orchestrator).connect(far);
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(near);
  // Who knows the schemas holds the answers against them.
  await client.listTools();
  const started = await client.callTool({ name: 'execute', arguments: { task: 'a', waitSeconds: 0 } });
  const { runId } = started.structuredContent as { runId: string };
  const answer = await client.callTool({ name: 'getRun', arguments: { runId, waitSeconds: 0 } });
  expect(answer.structuredContent).toEqual({ runId, status: 'running', ...expected });
  end();
  await client.close();
  await orchestrator.close();
});
