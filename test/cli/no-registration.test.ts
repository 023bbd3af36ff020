import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { freshFolder, writeConfig } from '../config/support.js';
import { ChildServer } from '../support/child-server.js';

const MAIN = resolve('dist/cli/main.js');

it('no tool call adds a service, or passes a command, arguments, an environment, an address or configuration', async () => {
  const folder = freshFolder();
  const proof = join(folder, 'proof');
  const file = writeConfig(
    { services: { far: { kind: 'openai', baseURL: 'http://127.0.0.1:9/v1', model: 'm' } } },
    folder,
  );
  writeFileSync(
    join(folder, 'evil.mjs'),
    `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(proof)}, '');`,
  );
  const before = readFileSync(file, 'utf8');
  const evil = {
    kind: 'module',
    module: join(folder, 'evil.mjs'),
    command: process.execPath,
    args: [join(folder, 'evil.mjs')],
    env: { NODE_OPTIONS: `--import ${join(folder, 'evil.mjs')}` },
    cwd: folder,
    execPath: process.execPath,
    baseURL: 'http://127.0.0.1:10/v1',
    url: 'http://127.0.0.1:10/',
    config: file,
  };
  const smuggled = { ...evil, services: { evil }, mcpServers: { evil }, register: { evil }, roots: ['/'] };
  const server = new ChildServer([MAIN, 'serve', '--config', file]);
  try {
    await server.initialize();
    let id = 0;
    const call = async (name: string, args: object) => {
      id += 1;
      server.send({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } });
      return server.answer(id);
    };
    server.send({ jsonrpc: '2.0', id: 'tools', method: 'tools/list' });
    const { tools } = (await server.answer('tools')).result as {
      tools: { name: string; inputSchema: object }[];
    };
    const namesBefore = await call('listServices', {});
    for (const { name } of tools) {
      await call(name, { task: 'x', tasks: ['x'], subtasks: [{ task: 'x' }], ...smuggled });
    }
    for (const service of ['far', 'vision', 'responses', 'reasoning', 'chat']) {
      await call('execute', { task: 'x', service, kwargs: smuggled, maxRetries: 0 });
      await call('executeParallel', { tasks: [{ task: 'x', service, kwargs: smuggled }] });
    }
    await call('execute', { task: 'x', service: evil, kwargs: {} });
    await call('register', { name: 'evil', service: evil });
    const far = await call('execute', { task: 'x', service: 'far', kwargs: smuggled, maxRetries: 0 });
    expect(JSON.stringify(far)).toContain('127.0.0.1:9');
    expect(JSON.stringify(far)).not.toContain('127.0.0.1:10/v1');
    const named = ({ result: { structuredContent: result } = {} }: typeof namesBefore) => {
      const { services } = result as { services: { name: string }[] };
      return services.map(({ name }) => name);
    };
    expect(named(await call('listServices', {}))).toEqual(named(namesBefore));
    for (const { inputSchema } of tools) {
      expect(JSON.stringify(inputSchema)).not.toMatch(
        /"(command|args|env|cwd|url|baseURL|module|config|services)":/,
      );
    }
  } finally {
    await server.kill();
  }
  expect(existsSync(proof)).toBe(false);
  expect(readFileSync(file, 'utf8')).toBe(before);
}, 60_000);
