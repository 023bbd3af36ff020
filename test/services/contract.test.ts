import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { httpService } from '../../src/services/http.js';
import { mcpService } from '../../src/services/mcp/mcp-service.js';
import { moduleService } from '../../src/services/module.js';
import { createOpenAIService } from '../../src/services/openai.js';
import { subprocessService } from '../../src/services/subprocess.js';
import { behave } from '../fixtures/servers/behave.mjs';
import { fixture, startOnPort } from './child-port.js';
import { MAX_RESULT_BYTES, serviceContract } from './contract.js';

const plain = (result: unknown): string => String(result);
const toolText = (result: unknown): string => (result as { text: string }).text;

for (const isolate of ['none', 'thread', 'process'] as const) {
  serviceContract({
    name: `module, isolate: ${isolate}`,
    make: () => moduleService({ module: fixture('module.mjs'), isolate, maxResultBytes: MAX_RESULT_BYTES }),
    textOf: plain,
    crash: isolate === 'process' ? 'CRASHED' : null,
    comesBack: true,
  });
}

serviceContract({
  name: 'program, one-shot',
  make: () =>
    subprocessService({
      command: process.execPath,
      args: [fixture('one-shot.mjs'), '{task}'],
      maxOutputBytes: MAX_RESULT_BYTES,
    }),
  textOf: plain,
  crash: 'CRASHED',
  comesBack: true,
});

serviceContract({
  name: 'program, json-lines',
  make: () =>
    subprocessService({
      command: process.execPath,
      args: [fixture('json-lines.mjs')],
      mode: 'json-lines',
      maxOutputBytes: MAX_RESULT_BYTES,
    }),
  textOf: plain,
  crash: 'CRASHED',
  comesBack: true,
});

serviceContract({
  name: 'http',
  make: async () => {
    const { port } = await startOnPort('http.mjs');
    return httpService({ url: `http://127.0.0.1:${port}/`, maxResultBytes: MAX_RESULT_BYTES });
  },
  textOf: plain,
  crash: 'CRASHED',
  comesBack: false,
});

serviceContract({
  name: 'mcp over stdio',
  make: () =>
    mcpService({
      name: 'downstream',
      transport: { kind: 'stdio', command: process.execPath, args: [fixture('mcp-stdio.mjs')] },
      defaultTool: 'run',
      maxResultBytes: MAX_RESULT_BYTES,
    }),
  textOf: toolText,
  crash: 'CRASHED',
  comesBack: true,
});

serviceContract({
  name: 'mcp over http',
  make: async () => {
    const { port } = await startOnPort('mcp-http.mjs');
    return mcpService({
      name: 'downstream',
      transport: { kind: 'http', url: `http://127.0.0.1:${port}/mcp` },
      defaultTool: 'run',
      maxResultBytes: MAX_RESULT_BYTES,
    });
  },
  textOf: toolText,
  crash: 'CRASHED',
  comesBack: false,
});

serviceContract({
  name: 'openai',
  make: async () => {
    const baseURL = await startModel();
    return createOpenAIService({ baseURL, model: 'stub-1', maxResultBytes: MAX_RESULT_BYTES });
  },
  textOf: toolText,
  crash: 'SERVICE_FAILED',
  comesBack: true,
  tellsProgress: false,
});

/** A model server that does what the last message says. */
async function startModel(): Promise<string> {
  const server = createServer(async (request, response) => {
    const { messages } = (await json(request)) as { messages: { content: string }[] };
    const task = messages.at(-1)?.content ?? '';
    if (task === 'crash') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(eventOf('half of an ans'));
      setTimeout(() => response.destroy(), 20);
      return;
    }
    await answer(task, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

async function answer(task: string, response: ServerResponse): Promise<void> {
  const controller = new AbortController();
  response.on('close', () => controller.abort());
  const noise = (text: string): Promise<void> => write(response, `: ${text}\n\n`);
  try {
    if (task === 'flood') response.writeHead(200, { 'content-type': 'text/event-stream' });
    const text = await behave(task, { progress: () => {}, noise, signal: controller.signal });
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
    await write(response, eventOf(String(text), 'stop'));
    response.end('data: [DONE]\n\n');
  } catch (error) {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: (error as Error).message } }));
  }
}

function write(response: ServerResponse, text: string): Promise<void> {
  return new Promise((resolve) => response.write(text, () => resolve()));
}

function eventOf(content: string, finish_reason: string | null = null): string {
  return `data: ${JSON.stringify({ model: 'stub-1', choices: [{ delta: { content }, finish_reason }] })}\n\n`;
}
