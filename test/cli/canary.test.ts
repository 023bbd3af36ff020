import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
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
  MCP_TOKEN: canary('mcp'),
  MCP_HEADER: plain('mcp-header'),
  PROGRAM_TOKEN: canary('program'),
  LINES_TOKEN: canary('lines'),
  POST_TOKEN: plain('post'),
  SEARCH_KEY: plain('search'),
  EYES_KEY: plain('eyes'),
  SHORT_TOKEN: 'hunter2',
};
const literals = {
  key: plain('literal-key'),
  header: plain('literal-header'),
  variable: canary('literal-variable'),
  argument: plain('literal-argument'),
  post: plain('literal-post'),
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
  const json = JSON.stringify({ all: everything() });
  return { text: everything(), json, slashed: json.replaceAll('/', '\\\\/'), [everything()]: 1 };
};`;

const SERVICES = [
  ...['leak', 'inside', 'worker', 'model', 'keyed'],
  ...['program', 'lines', 'downstream', 'absent', 'remote', 'post'],
];

/** Programs that tell every variable they see, and every argument, wherever they can. */
const LOUD_PROGRAM = `
process.stderr.write('x'.repeat(100) + ' ' + JSON.stringify(process.env) + '\\n');
console.log(JSON.stringify(process.env), process.argv.join(' '));
process.exit(process.argv.at(-1).includes('fail') ? 3 : 0);`;
const LOUD_LINES = `
process.stdin.on('data', (chunk) => {
  for (const line of String(chunk).split('\\n').filter(Boolean)) {
    const { id, task, type } = JSON.parse(line);
    if (type === 'cancel') continue;
    const all = JSON.stringify(process.env);
    console.log(JSON.stringify({ id, progress: 0.5, message: all }));
    console.log(JSON.stringify(task.includes('fail') ? { id, error: { message: all, data: { all } } } : { id, result: { all } }));
  }
});`;
const LOUD_SERVER = `
const send = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }));
const all = JSON.stringify(process.env) + process.argv.join(' ');
process.stderr.write(all + '\\n');
let rest = '';
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\\n');
  rest = lines.pop();
  for (const line of lines) {
    const { id, method, params } = JSON.parse(line);
    if (method === 'initialize') send({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: all, version: '1' }, instructions: all } });
    else if (method === 'tools/list') send({ id, result: { tools: [{ name: 'say', description: all, inputSchema: { type: 'object', properties: { task: { type: 'string', description: all } }, required: ['task'] }, annotations: { readOnlyHint: true } }] } });
    else if (method === 'tools/call' && params.arguments.task.includes('fail')) process.exit(4);
    else if (method === 'tools/call') send({ id, result: { content: [{ type: 'text', text: all }, { type: 'image', mimeType: 'image/png', data: Buffer.from(process.env.TOKEN).toString('base64') }], isError: params.arguments.task.includes('print') } });
    else if (id !== undefined) send({ id, error: { code: -32601, message: all } });
  }
});`;

it('a secret in any slot is in no output of any command', async () => {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(JSON.stringify(request.headers), request.url ?? '');
    response.writeHead(400, { 'content-type': 'application/json' });
    // An unfriendly server repeats what it was sent.
    response.end(
      JSON.stringify({ error: { message: `refused ${JSON.stringify(request.headers)} ${env.SYSTEM}` } }),
    );
  });
  await new Promise<void>((ready) => void server.listen(0, '127.0.0.1', ready));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const folder = freshFolder();
  const file = writeConfig(
    {
      taskConfig: { maxRetries: 0, deadlineSeconds: 10 },
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
        program: {
          kind: 'subprocess',
          command: process.execPath,
          args: ['loud-program.mjs', '--token', literals.argument, '{task}'],
          env: { TOKEN: '${env:PROGRAM_TOKEN}', API_PASSWORD: '${env:SHORT_TOKEN}' },
        },
        lines: {
          kind: 'subprocess',
          command: process.execPath,
          args: ['loud-lines.mjs'],
          mode: 'json-lines',
          env: { TOKEN: '${env:LINES_TOKEN}' },
        },
        downstream: {
          kind: 'mcp',
          command: process.execPath,
          args: ['loud-server.mjs', `--api-key=${literals.argument}`],
          env: { TOKEN: '${env:MCP_TOKEN}' },
          defaultTool: 'say',
        },
        absent: {
          kind: 'mcp',
          command: process.execPath,
          args: ['loud-program.mjs', 'fail'],
          env: { TOKEN: '${env:MCP_TOKEN}' },
        },
        remote: { kind: 'mcp', url: `${address}/mcp`, headers: { 'x-auth': '${env:MCP_HEADER}' } },
        post: {
          kind: 'http',
          url: `${address}/post`,
          headers: { authorization: 'Bearer ${env:POST_TOKEN}', 'x-secret': literals.post },
        },
        eyes: {
          kind: 'builtin',
          name: 'vision',
          model: { baseURL: `${address}/v1`, model: 'm', apiKey: '${env:EYES_KEY}' },
        },
        seeker: {
          kind: 'builtin',
          name: 'responses',
          search: { provider: 'brave', apiKey: '${env:SEARCH_KEY}', url: `${address}/search` },
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
  writeFileSync(join(folder, 'loud-program.mjs'), LOUD_PROGRAM);
  writeFileSync(join(folder, 'loud-lines.mjs'), LOUD_LINES);
  writeFileSync(join(folder, 'loud-server.mjs'), LOUD_SERVER);
  copyFileSync(resolve('examples/receipt.jpg'), join(folder, 'receipt.jpg'));
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
  await inPairs(SERVICES, async (service) => {
    const history = join(folder, `${service}.ndjson`);
    await gaffr('run', 'say', 'fail', 'print', '--service', service, '--json', '--history', history);
    outputs.push(readFileSync(history, 'utf8'));
  });
  await gaffr('run', 'say', '--service', 'leak');
  await gaffr('run', 'Describe the picture receipt.jpg', '--service', 'eyes', '--json');
  await gaffr('run', 'Search the web for cats', '--service', 'seeker', '--json');
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
  for (const secret of [env.MODEL_KEY, env.POST_TOKEN, env.MCP_HEADER, env.EYES_KEY, env.SEARCH_KEY]) {
    expect(heard.join()).toContain(secret);
  }
  expect(outputs.join('').match(/\[redacted\]/g)?.length).toBeGreaterThan(50);
  const all = outputs.join('\n');
  for (const secret of secrets) {
    for (const spelling of [
      secret,
      JSON.stringify(secret).slice(1, -1),
      JSON.stringify(secret).slice(1, -1).replaceAll('/', '\\/'),
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
    ]) {
      const at = all.indexOf(spelling);
      expect(at, all.slice(Math.max(0, at - 200), at + 100)).toBe(-1);
    }
  }
}, 120_000);

/** Two at a time: each is a process, and most of its time is its start. */
async function inPairs<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const next = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all([next(), next()]);
}

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
    for (const service of SERVICES) {
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
