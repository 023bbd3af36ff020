import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { OrchestratorPort } from 'gaffr';
import { registerTools } from 'gaffr/mcp-v1';
import { afterEach, describe, expect, it } from 'vitest';
import { TOOLS } from '../../src/mcp/tools/tool-table.js';
import { createOrchestrator } from '../../src/orchestrator.js';
import { fakeOrchestrator } from '../support/fake-orchestrator.js';
import { servicesThatTell, until } from '../support/http-server.js';

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

/** A client of an application's own server with gaffr's tools on it. */
async function connect(orchestrator: OrchestratorPort) {
  const server = new McpServer({ name: 'app', version: '1' });
  server.registerTool('own', { description: "the application's own" }, () => ({
    content: [{ type: 'text', text: 'own answer' }],
  }));
  const tools = registerTools(server, orchestrator);
  const [near, far] = InMemoryTransport.createLinkedPair();
  await server.connect(far);
  const client = new Client({ name: 'test', version: '1' });
  clients.push(client);
  await client.connect(near);
  return { client, tools };
}

function working() {
  const seen: string[] = [];
  const services = servicesThatTell((line) => void seen.push(line));
  const config = { taskConfig: { retryOnFailure: false }, routingConfig: { fallbackService: 'echo' } };
  return { seen, orchestrator: createOrchestrator({ services, config }) };
}

describe("gaffr/mcp-v1 on an application's own server", () => {
  it('lists the same tools beside those of the application', async () => {
    const { client } = await connect(fakeOrchestrator());
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['own', ...TOOLS.map(({ name }) => name)]);
    const execute = tools.find(({ name }) => name === 'execute');
    expect(execute?.annotations).toEqual(TOOLS.find(({ name }) => name === 'execute')?.annotations);
    expect(execute?.inputSchema.required).toEqual(['task']);
    expect(execute?.outputSchema).toBeDefined();
  });

  it('calls each of them', async () => {
    const { client } = await connect(working().orchestrator);
    const call = (name: string, args: Record<string, unknown>) => client.callTool({ name, arguments: args });
    const task = { task: 'a', service: 'echo' };
    expect(await call('execute', task)).toMatchObject({ structuredContent: { result: 'echo a' } });
    expect(await call('executeParallel', { tasks: [task, task] })).toMatchObject({
      structuredContent: { succeeded: 2 },
    });
    expect(await call('executeSubtasks', { subtasks: [task] })).toMatchObject({
      structuredContent: { succeeded: 1 },
    });
    expect(await call('listServices', {})).toMatchObject({
      structuredContent: { services: [{ name: 'echo' }, {}, {}, {}] },
    });
    expect(await call('explainRoute', { task: 'a' })).toMatchObject({
      structuredContent: { service: 'echo' },
    });
    expect(await call('own', {})).toMatchObject({ content: [{ text: 'own answer' }] });
  });

  it('answers bad input and a failed task as errors', async () => {
    const { client } = await connect(working().orchestrator);
    const bad = await client.callTool({ name: 'execute', arguments: { task: 'a', wrong: 1 } });
    expect(bad).toMatchObject({ isError: true });
    expect(JSON.stringify(bad.content)).toContain('wrong');
    const failed = { name: 'execute', arguments: { task: 'a', service: 'fails' } };
    expect(await client.callTool(failed)).toMatchObject({
      isError: true,
      structuredContent: { status: 'failed', errorCode: 'SERVICE_FAILED' },
    });
  });

  it('tells progress, and passes a cancel on to the service', async () => {
    const { orchestrator, seen } = working();
    const { client } = await connect(orchestrator);
    const progress: number[] = [];
    const slow = (task: string, stepMs: number) => ({
      name: 'execute',
      arguments: { task, service: 'slow', kwargs: { stepMs } },
    });
    await client.callTool(slow('a', 1), undefined, { onprogress: (each) => progress.push(each.progress) });
    expect(progress.length).toBeGreaterThan(0);
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);
    const controller = new AbortController();
    const call = client.callTool(slow('b', 10_000), undefined, { signal: controller.signal });
    const rejected = expect(call).rejects.toThrow();
    await until(() => seen.includes('started b'), 'start');
    controller.abort();
    await rejected;
    await until(() => seen.includes('aborted b'), 'abort');
  });

  it('gives the registrations, so that one can be taken away', async () => {
    const { client, tools } = await connect(fakeOrchestrator());
    tools.get('executeSubtasks')?.disable();
    const { tools: left } = await client.listTools();
    expect(left.map(({ name }) => name)).not.toContain('executeSubtasks');
  });

  it('refuses a server that has a tool of the same name', () => {
    const server = new McpServer({ name: 'app', version: '1' });
    server.registerTool('execute', {}, () => ({ content: [] }));
    expect(() => registerTools(server, fakeOrchestrator())).toThrow('execute');
  });
});
