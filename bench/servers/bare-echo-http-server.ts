/** The barest server of the same SDK over HTTP: no token, no check, no limit, no state. Prints its address. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, Server } from '@modelcontextprotocol/server';

const TOOLS = [
  {
    name: 'echo',
    description: 'Answers its text.',
    inputSchema: { type: 'object' as const, properties: { text: { type: 'string' as const } } },
  },
];

const handler = createMcpHandler(() => {
  const server = new Server({ name: 'echo', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', () => ({ tools: TOOLS }));
  server.setRequestHandler('tools/call', async ({ params }) => ({
    content: [{ type: 'text', text: String(params.arguments?.text) }],
  }));
  return server;
});
const node = toNodeHandler(handler);
const server = createServer((request, response) => void node(request as NodeIncomingMessageLike, response));
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp\n`);
});
process.once('SIGTERM', () => process.exit(0));
