import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import { createOrchestrator } from 'gaffr';
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
