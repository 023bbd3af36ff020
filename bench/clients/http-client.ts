import { Agent, request as httpRequest } from 'node:http';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { BENCH_TOKEN, startHttpServer } from './http-server.js';
import type { ConnectClient, ToolAnswer } from './tool-client.js';

const PROTOCOL_VERSION = '2026-07-28';
const META = {
  'io.modelcontextprotocol/protocolVersion': PROTOCOL_VERSION,
  'io.modelcontextprotocol/clientCapabilities': {},
};
const AUTHORIZATION = { authorization: `Bearer ${BENCH_TOKEN}` };

/** The SDK's own client, as hosts use it: it lists the tools first, and so checks each answer against its schema. */
export const connectOfficialHttpClient: ConnectClient = async (args) => {
  const server = await startHttpServer(args);
  const client = new Client(
    { name: 'bench', version: '1' },
    { versionNegotiation: { mode: { pin: PROTOCOL_VERSION } } },
  );
  await client.connect(
    new StreamableHTTPClientTransport(server.url, { requestInit: { headers: AUTHORIZATION } }),
  );
  await client.listTools();
  return {
    callTool: (name, args) => client.callTool({ name, arguments: { ...args } }),
    cpuMicros: server.cpuMicros,
    async close() {
      await client.close();
      await server.close();
    },
  };
};

/** Posts requests of the 2026 protocol over kept connections: what is left is the server. */
export const connectPlainHttpClient: ConnectClient = async (args) => {
  const server = await startHttpServer(args);
  const agent = new Agent({ keepAlive: true });
  let lastId = 0;
  return {
    callTool: (name, args) => post(server.url, agent, ++lastId, name, args),
    cpuMicros: server.cpuMicros,
    async close() {
      agent.destroy();
      await server.close();
    },
  };
};

function post(
  url: URL,
  agent: Agent,
  id: number,
  name: string,
  args: Readonly<Record<string, unknown>>,
): Promise<ToolAnswer> {
  const params = { _meta: META, name, arguments: args };
  const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params });
  const headers = {
    ...AUTHORIZATION,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': PROTOCOL_VERSION,
    'mcp-method': 'tools/call',
    'mcp-name': name,
  };
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        const { result } = JSON.parse(text) as { readonly result?: ToolAnswer };
        if (result === undefined)
          reject(new Error(`The call was refused with ${response.statusCode}: ${text}`));
        else resolve(result);
      });
    });
    request.on('error', reject).end(body);
  });
}
