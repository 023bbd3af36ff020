// The HTTP face of gaffr in front of the tools, resources and prompts that the conformance suite asks for. The one line
// on stdout is where it listens.
import { McpServer, type McpServerFactory } from '@modelcontextprotocol/server';
import { createHandlerFor } from '../../src/mcp/http/handler.js';
import { serveHandler } from '../../src/mcp/http/serve-http.js';
import { ASKING_TOOLS } from './fixtures/asking-tools.js';
import { register } from './fixtures/fixture-tool.js';
import { PLAIN_TOOLS } from './fixtures/plain-tools.js';
import { registerPrompts, registerResources } from './fixtures/resources-and-prompts.js';
import { RETURNING_TOOLS, stateCodec } from './fixtures/returning-tools.js';

const createFixture: McpServerFactory = () => {
  const server = new McpServer(
    { name: 'gaffr-conformance', version: '0.0.0' },
    {
      capabilities: {
        tools: { listChanged: false },
        resources: { subscribe: true, listChanged: false },
        prompts: { listChanged: false },
        logging: {},
        completions: {},
      },
      requestState: { verify: stateCodec.verify },
    },
  );
  register(server, [...PLAIN_TOOLS, ...ASKING_TOOLS, ...RETURNING_TOOLS]);
  registerResources(server);
  registerPrompts(server);
  server.server.setRequestHandler('completion/complete', async () => ({
    completion: { values: [], total: 0, hasMore: false },
  }));
  return server;
};

const { url } = await serveHandler((options) => createHandlerFor(createFixture, options), {
  host: '127.0.0.1',
  port: 0,
  auth: 'none',
  version: '0.0.0',
});
process.stdout.write(`${url}\n`);
