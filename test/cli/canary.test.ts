import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { freshFolder, writeConfig } from '../config/support.js';
import { ChildServer } from '../support/child-server.js';

const MAIN = resolve('dist/cli/main.js');

/** One for each slot; each has letters that JSON and addresses spell differently. */
const canary = (slot: string): string => `canary-${slot}-"\\/é+=&-0123456789`;
const plain = (slot: string): string => `canary-${slot}-abcdef-0123456789`;

const env = {
  CHILD_TOKEN: canary('child'),
  HEADER_TOKEN: plain('header'),
  MODEL_KEY: plain('model'),
  ARGUMENT: canary('argument'),
  QUERY: plain('query'),
  SYSTEM: canary('system'),
};
const literals = {
  key: plain('literal-key'),
  header: plain('literal-header'),
  variable: canary('literal-variable'),
};
const secrets = [...Object.values(env), ...Object.values(literals)];

/** Says all it knows, in every way that a service has. */
const LEAK = `
const everything = () => [process.env.SEEN, process.env.LITERAL, ...JSON.parse(process.env.ALL ?? '[]')].join(' ');
export default async (task, { progress, log }) => {
  progress(0.5, everything());
  log.warn({ all: everything() }, everything());
  if (task.includes('fail')) throw Object.assign(new Error('failed with ' + everything()), { data: { all: everything() } });
  if (task.includes('print')) process.stderr.write(everything() + '\\n');
  return { text: everything(), json: JSON.stringify({ all: everything() }), [everything()]: 1 };
};`;

it('a secret in any slot is in no output of any command', async () => {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(JSON.stringify(request.headers), request.url ?? '');
    response.writeHead(400, { 'content-type': 'application/json' });
    // An unfriendly server repeats what it was sent.
    response.end(
      JSON.stringify({ error: { message: `refused ${request.headers.authorization} ${env.SYSTEM}` } }),
    );
  });
  await new Promise<void>((ready) => void server.listen(0, '127.0.0.1', ready));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const folder = freshFolder();
  const file = writeConfig(
    {
      services: {
        leak: {
          kind: 'module',
          module: './leak.mjs',
          isolate: 'thread',
          env: { SEEN: '${env:CHILD_TOKEN}', LITERAL_TOKEN: literals.variable, ALL: JSON.stringify(secrets) },
          keywords: ['leak'],
        },
        inside: {
          kind: 'module',
          module: './leak.mjs',
          description: `likes ${literals.key}`,
          keywords: ['inside'],
        },
        model: {
          kind: 'openai',
          baseURL: `${address}/v1`,
          model: 'm',
          apiKey: '${env:MODEL_KEY}',
          system: '${env:SYSTEM}',
          headers: { 'x-own': '${env:HEADER_TOKEN}', 'x-api-key': literals.header },
          keywords: ['model'],
        },
        keyed: {
          kind: 'openai',
          baseURL: `${address}/v1?token=\${env:QUERY}`,
          model: 'm',
          apiKey: literals.key,
        },
        worker: {
          kind: 'module',
          module: './leak.mjs',
          isolate: 'process',
          env: { SEEN: '${env:ARGUMENT}' },
          keywords: ['worker'],
        },
      },
    },
    folder,
  );
  writeFileSync(join(folder, 'leak.mjs'), LEAK);
  const variables = {
    ...env,
    SEEN: env.CHILD_TOKEN,
    PATH: process.env.PATH ?? '',
    HOME: folder,
    XDG_STATE_HOME: join(folder, 'state'),
  };
  const outputs: string[] = [];
  const gaffr = (...args: string[]): Promise<void> =>
    new Promise((done) => {
      execFile(process.execPath, [MAIN, ...args], { cwd: folder, env: variables }, (_error, out, err) => {
        outputs.push(out, err);
        done();
      });
    });

  await gaffr('services');
  await gaffr('trust');
  await gaffr('trust', '--yes', '--json');
  const history = join(folder, 'history.ndjson');
  for (const service of ['leak', 'inside', 'worker', 'model', 'keyed']) {
    await gaffr('run', 'say', 'fail', 'print', '--service', service, '--json', '--history', history);
    outputs.push(readFileSync(history, 'utf8'));
  }
  await gaffr('run', 'say', '--service', 'leak');
  for (const command of [
    ['services'],
    ['services', '--json'],
    ['route', 'leak it', '--json'],
    ['doctor'],
    ['doctor', '--json'],
  ]) {
    await gaffr(...command);
  }
  outputs.push(await serveAll(file, variables));
  server.close();

  // The services did know them, so there was something to keep.
  expect(heard.join()).toContain(env.MODEL_KEY);
  expect(outputs.join('').match(/\[redacted\]/g)?.length).toBeGreaterThan(50);
  const all = outputs.join('\n');
  for (const secret of secrets) {
    for (const spelling of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]) {
      const at = all.indexOf(spelling);
      expect(at, all.slice(Math.max(0, at - 200), at + 100)).toBe(-1);
    }
  }
}, 120_000);

/** Everything that a server says over MCP and on stderr, reloads among it. */
async function serveAll(file: string, variables: Record<string, string>): Promise<string> {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  const server = new ChildServer([MAIN, 'serve', '--config', file]);
  process.env = before;
  try {
    await server.initialize();
    let id = 0;
    const call = async (name: string, args: object): Promise<void> => {
      id += 1;
      const params = { name, arguments: args, _meta: { progressToken: id } };
      server.send({ jsonrpc: '2.0', id, method: 'tools/call', params });
      await server.answer(id);
    };
    for (const service of ['leak', 'inside', 'worker', 'model', 'keyed']) {
      await call('execute', { task: 'say', service });
      await call('execute', { task: 'fail print', service });
    }
    await call('listServices', {});
    await call('explainRoute', { task: 'leak inside worker model' });
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('./leak.mjs', './nowhere.mjs'));
    await server.said('what was in force stays');
    return JSON.stringify(server.messages) + server.strayLines.join('\n') + server.stderr;
  } finally {
    await server.kill();
  }
}
