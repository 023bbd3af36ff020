import { createServer } from 'node:http';
import { createOrchestrator } from 'gaffr';
import { createMcpHttpHandler } from 'gaffr/mcp';

const orchestrator = createOrchestrator({ services: { shout: (task: string) => task.toUpperCase() } });
const mcp = createMcpHttpHandler(orchestrator, {
  auth: { token: process.env.MCP_TOKEN ?? 'a-secret-of-at-least-32-characters' },
});

const server = createServer((request, response) => {
  if (request.url === '/mcp') void mcp.node(request, response);
  else response.end('the rest of the application\n');
});
server.listen(3000, '127.0.0.1');

process.once('SIGTERM', async () => {
  mcp.drain();
  server.close();
  await orchestrator.close();
  await mcp.answered();
  await mcp.close();
});
