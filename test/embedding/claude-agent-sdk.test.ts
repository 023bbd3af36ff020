import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { claudeAgentTools } from 'gaffr/claude-agent-sdk';
import { afterEach, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/orchestrator.js';
import { servicesThatTell, until } from '../support/http-server.js';

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

/** The tools on a server as `createSdkMcpServer()` makes one; with the SDK itself they are tested in test/adapters. */
async function connect() {
  const seen: string[] = [];
  const services = servicesThatTell((line) => void seen.push(line));
  const config = { taskConfig: { retryOnFailure: false }, routingConfig: { fallbackService: 'echo' } };
  const orchestrator = createOrchestrator({ services, config });
  const server = new McpServer({ name: 'gaffr', version: '1' });
  for (const { name, description, inputSchema, annotations, handler } of claudeAgentTools(orchestrator)) {
    server.registerTool(name, { description, inputSchema, annotations }, (args, extra) =>
      handler(args, extra),
    );
  }
  const [near, far] = InMemoryTransport.createLinkedPair();
  await server.connect(far);
  const client = new Client({ name: 'test', version: '1' });
  clients.push(client);
  await client.connect(near);
  return { client, seen, orchestrator };
}

it('claudeAgentTools() lists, answers, fails as a value, and cancels over a server of version 1', async () => {
  const { client, seen, orchestrator } = await connect();
  expect((await client.listTools()).tools).toHaveLength(5);
  const answer = await client.callTool({ name: 'execute', arguments: { task: 'hi', service: 'echo' } });
  expect(answer).toMatchObject({ isError: false, structuredContent: { status: 'completed' } });
  const unknown = await client.callTool({ name: 'execute', arguments: { task: 'x', service: 'nobody' } });
  expect(unknown).toMatchObject({ isError: true, structuredContent: { errorCode: 'UNKNOWN_SERVICE' } });

  const abort = new AbortController();
  const slow = client.callTool({ name: 'execute', arguments: { task: 'a', service: 'slow' } }, undefined, {
    signal: abort.signal,
  });
  await until(() => seen.some((line) => line.startsWith('started')), 'the start');
  abort.abort('enough');
  await expect(slow).rejects.toThrow('enough');
  await until(() => seen.some((line) => line.startsWith('aborted')), 'the abort');
  expect(orchestrator.stats().cancelled).toBe(1);
});

it('claudeAgentTools() works without what the SDK hands over', async () => {
  const orchestrator = createOrchestrator({ services: { echo: (task: string) => task } });
  const [execute] = claudeAgentTools(orchestrator, { tools: ['execute'] });
  for (const extra of [undefined, null, {}, { _meta: { progressToken: 1 } }]) {
    expect(await execute?.handler({ task: 'x' }, extra)).toMatchObject({ isError: false });
  }
});
