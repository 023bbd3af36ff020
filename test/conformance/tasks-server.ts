// The HTTP face and the tasks of gaffr in front of the tools that the conformance suite asks for. The one line on stdout
// is where it listens.
import {
  type McpServerFactory,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type Tool,
} from '@modelcontextprotocol/server';
import { createHandlerFor } from '../../src/mcp/http/handler.js';
import { serveHandler } from '../../src/mcp/http/serve-http.js';
import { RunStore } from '../../src/mcp/runs/run-store.js';
import { TASKS_EXTENSION } from '../../src/mcp/runs/task-methods.js';
import { AskedInputs, serveAskingTasks } from './fixtures/asked-inputs.js';
import { callTaskTool, TASK_TOOLS } from './fixtures/task-tools.js';

const runs = new RunStore();
const inputs = new AskedInputs();

const createFixture: McpServerFactory = ({ authInfo }) => {
  const principal = authInfo?.clientId ?? null;
  const server = new Server(
    { name: 'gaffr-conformance', version: '0.0.0' },
    { capabilities: { tools: {}, extensions: { [TASKS_EXTENSION]: {} } } },
  );
  const tools: Tool[] = TASK_TOOLS.map(({ name }) => ({
    name,
    description: name,
    inputSchema: { type: 'object' },
  }));
  server.setRequestHandler('tools/list', () => ({ tools }));
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const tool = TASK_TOOLS.find(({ name }) => name === params.name);
    if (tool === undefined)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `no tool ${params.name}`);
    return callTaskTool(tool, params.arguments ?? {}, { context, runs, inputs, principal });
  });
  serveAskingTasks(server, { runs, inputs, principal });
  return server;
};

const { url } = await serveHandler((options) => createHandlerFor(createFixture, options), {
  host: '127.0.0.1',
  port: 0,
  auth: 'none',
  version: '0.0.0',
});
process.stdout.write(`${url}\n`);
