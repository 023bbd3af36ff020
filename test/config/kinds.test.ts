import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { buildServices } from '../../src/config/build-services.js';
import { loadConfig } from '../../src/config/load-config.js';
import { Redactor } from '../../src/core/redactor.js';
import { createOrchestrator } from '../../src/index.js';
import { freshFolder, writeConfig } from './support.js';

const fixture = (name: string): string => resolve('test/fixtures/servers', name);

it('one file holds services of every kind, and each does its work', async () => {
  process.env.XDG_STATE_HOME = freshFolder();
  process.env.KINDS_TOKEN = 'token-of-kinds-1';
  const heard: unknown[] = [];
  const server = createServer(async (request, response) => {
    const { task } = (await json(request)) as { task: string };
    heard.push(request.headers.authorization);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ result: `${task} of token-of-kinds-1` }));
  });
  await new Promise<void>((ready) => void server.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tasks`;
  const node = { command: process.execPath };
  const file = writeConfig({
    services: {
      words: { kind: 'subprocess', command: 'wc', args: ['-w'] },
      lines: { kind: 'subprocess', ...node, args: [fixture('json-lines.mjs')], mode: 'json-lines' },
      post: { kind: 'http', url, headers: { authorization: 'Bearer ${env:KINDS_TOKEN}' } },
      own: { kind: 'module', module: 'data:text/javascript,export default (task) => task.length' },
      down: {
        kind: 'mcp',
        ...node,
        args: [fixture('mcp-stdio.mjs')],
        env: { DOWN_TOKEN: '${env:KINDS_TOKEN}' },
        tools: { deny: ['append'] },
      },
    },
    mcpServers: { claude: { ...node, args: [fixture('mcp-stdio.mjs')], autoApprove: [] } },
  });
  const { env } = process;
  const loaded = await loadConfig(file, { env });
  const redactor = new Redactor();
  for (const secret of loaded.secrets) redactor.add(secret);
  const built = await buildServices(loaded, redactor);
  const services = new Map([...built].map(([name, { settings }]) => [name, settings]));
  const orchestrator = createOrchestrator({ services });
  const run = async (service: string, task: string, kwargs = {}) => {
    const { success, result, error } = await orchestrator.execute(task, { service, kwargs, maxRetries: 0 });
    return success ? result : error;
  };
  try {
    expect(await run('words', 'one two three')).toMatch(/^\s*3\s*$/);
    expect(await run('lines', 'kwargs', { a: 1 })).toEqual({ a: 1 });
    expect(await run('post', 'secret')).not.toContain('token-of-kinds-1');
    expect(heard).toEqual(['Bearer token-of-kinds-1']);
    expect(await run('own', 'four')).toBe(4);
    for (const service of ['down', 'claude']) {
      const told = JSON.stringify(await run(service, 'x', { tool: 'environment', arguments: {} }));
      expect(told.includes('DOWN_TOKEN')).toBe(service === 'down');
      expect(told).not.toContain('token-of-kinds-1');
    }
    expect(await run('down', 'x', { tool: 'append', arguments: {} })).toContain('offers no tool "append"');
  } finally {
    await orchestrator.close();
    server.close();
  }
}, 60_000);
