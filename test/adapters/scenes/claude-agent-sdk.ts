import type { McpSdkServerConfigWithInstance } from '@anthropic-ai/claude-agent-sdk';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';

export * from './office.js';

/** In place of the SDK's query(), which starts a program and calls a model: the same server, called once. */
export async function* query({
  prompt,
  options,
}: {
  prompt: string;
  options: { mcpServers: { gaffr: McpSdkServerConfigWithInstance }; allowedTools: string[] };
}): AsyncGenerator<{ result: string }> {
  const [near, far] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'scene', version: '1' });
  await Promise.all([options.mcpServers.gaffr.instance.connect(far), client.connect(near)]);
  const answer = await client.callTool({ name: 'execute', arguments: { task: prompt } });
  await client.close();
  const { result } = answer.structuredContent as { result: { text: string } };
  yield { result: result.text };
}
