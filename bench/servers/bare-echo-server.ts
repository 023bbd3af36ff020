/** The barest server of the same SDK: one tool that answers its text, no schema check, no state. */
import { Server } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

const TOOLS = [
  {
    name: 'echo',
    description: 'Answers its text.',
    inputSchema: { type: 'object' as const, properties: { text: { type: 'string' as const } } },
  },
];

serveStdio(
  () => {
    const server = new Server({ name: 'echo', version: '1.0.0' }, { capabilities: { tools: {} } });
    server.setRequestHandler('tools/list', () => ({ tools: TOOLS }));
    server.setRequestHandler('tools/call', async ({ params }) => ({
      content: [{ type: 'text', text: String(params.arguments?.text) }],
    }));
    return server;
  },
  { legacy: 'serve' },
);
