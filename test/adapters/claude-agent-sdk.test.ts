import { createSdkMcpServer } from '@anthropic-ai/claude-agent-sdk';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { claudeAgentTools } from 'gaffr/claude-agent-sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { office, until } from './support.js';

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

/** A client of the server that the SDK makes of the tools, as its command-line program is one. */
async function connect() {
  const { orchestrator, seen } = office();
  const { instance, type } = createSdkMcpServer({ name: 'gaffr', tools: claudeAgentTools(orchestrator) });
  expect(type).toBe('sdk');
  const [near, far] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'test', version: '1' });
  clients.push(client);
  await Promise.all([instance.connect(far), client.connect(near)]);
  return { client, orchestrator, seen };
}

describe('claudeAgentTools()', () => {
  it('lists the five tools with schemas and hints', async () => {
    const { client } = await connect();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      'execute',
      'executeParallel',
      'listServices',
      'executeSubtasks',
      'explainRoute',
    ]);
    expect(tools[0]).toMatchObject({
      inputSchema: { required: ['task'] },
      annotations: { openWorldHint: true },
    });
    expect(tools[2]).toMatchObject({ annotations: { readOnlyHint: true } });
  });

  it('answers a call with text, structure and progress', async () => {
    const { client } = await connect();
    const progress: unknown[] = [];
    const answer = await client.callTool(
      { name: 'execute', arguments: { task: 'hi', service: 'echo' } },
      undefined,
      { onprogress: (update) => void progress.push(update) },
    );
    expect(answer).toMatchObject({
      isError: false,
      content: [{ type: 'text', text: expect.stringContaining('echo completed') }],
      structuredContent: { status: 'completed', result: { said: 'hi' } },
    });
    expect(progress).toEqual([{ progress: 0.5, total: 1, message: 'half way' }]);
  });

  it('answers a task that failed, and arguments that are wrong, as errors', async () => {
    const { client } = await connect();
    const failed = await client.callTool({ name: 'execute', arguments: { task: 'x', service: 'broken' } });
    expect(failed).toMatchObject({ isError: true, structuredContent: { errorCode: 'SERVICE_FAILED' } });
    const wrong = await client.callTool({ name: 'execute', arguments: { pages: 2 } });
    expect(wrong.isError).toBe(true);
  });

  it('cancels the task when the client cancels the call', async () => {
    const { client, seen, orchestrator } = await connect();
    const abort = new AbortController();
    const call = client.callTool({ name: 'execute', arguments: { task: 'x', service: 'slow' } }, undefined, {
      signal: abort.signal,
    });
    await until(() => seen.length === 1);
    abort.abort('enough');
    await expect(call).rejects.toThrow();
    await until(() => seen.length === 2);
    expect(orchestrator.stats()).toMatchObject({ running: 0, cancelled: 1 });
  });
});
