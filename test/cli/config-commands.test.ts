import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { starterText } from '../../src/cli/init/starter.js';
import { configFileSchema } from '../../src/config/schema.js';
import { freshFolder, load, writeConfig } from '../config/support.js';
import { ChildServer } from '../support/child-server.js';

const MAIN = resolve('dist/cli/main.js');
const TOOL = { kind: 'module', module: './tool.mjs', keywords: ['shout'] };

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A user of their own: a folder to work in, and what gaffr remembers of them. */
function user(content?: object, env: Record<string, string> = {}) {
  const folder = freshFolder();
  const home = { XDG_STATE_HOME: join(folder, '.state'), XDG_CONFIG_HOME: join(folder, '.config') };
  if (content !== undefined) writeConfig(content, folder);
  writeFileSync(join(folder, 'tool.mjs'), "export default (task) => task.toUpperCase() + '!';");
  const variables = { PATH: process.env.PATH ?? '', HOME: folder, ...home, ...env };
  const gaffr = (...args: string[]): Promise<Ended> =>
    new Promise((done) => {
      execFile(process.execPath, [MAIN, ...args], { cwd: folder, env: variables }, (error, out, err) => {
        done({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err });
      });
    });
  return { folder, file: join(folder, 'gaffr.config.json'), gaffr, env: variables };
}

describe('gaffr init', () => {
  it('writes a starter that needs no permission, and prints what clients need', async () => {
    const { gaffr, file } = user();
    const { code, out, err } = await gaffr('init');
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining(`Wrote ${file}.`) });
    expect(JSON.parse(out)).toEqual({
      mcpServers: { gaffr: { command: process.execPath, args: [MAIN, 'serve', '--config', file] } },
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await gaffr('trust')).toMatchObject({
      code: 0,
      out: expect.stringContaining('needs no permission'),
    });
    expect((await gaffr('services', '--json')).code).toBe(0);
  });

  it('says how to check the file that it wrote', async () => {
    const { gaffr } = user();
    expect((await gaffr('init')).err).toMatch(/Check it by: gaffr doctor\n$/);
    expect((await gaffr('init', '--config', 'other.json')).err).toMatch(
      /Check it by: gaffr doctor --config other\.json\n$/,
    );
  });

  it('never overwrites without --force', async () => {
    const { gaffr, file } = user();
    writeFileSync(file, '{"mine": true}');
    expect(await gaffr('init')).toMatchObject({ code: 3, out: '', err: expect.stringContaining('--force') });
    expect(readFileSync(file, 'utf8')).toBe('{"mine": true}');
    expect((await gaffr('init', '--force')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('"builtins"');
  });

  it.each([
    ['claude', '.mcp.json', 'mcpServers'],
    ['cursor', '.cursor/mcp.json', 'mcpServers'],
    ['vscode', '.vscode/mcp.json', 'servers'],
  ])('adds the server to the file of %s and keeps the rest of it', async (client, path, block) => {
    const { gaffr, folder } = user();
    const target = join(folder, path);
    expect((await gaffr('init', '--client', client)).code).toBe(0);
    expect(JSON.parse(readFileSync(target, 'utf8'))[block].gaffr.args).toContain('serve');
    mkdirSync(dirname(target), { recursive: true });
    // With the mark that some editors put before the text.
    writeFileSync(target, `\uFEFF{\n  // mine\n  "${block}": { "other": { "command": "x" } }\n}\n`);
    expect((await gaffr('init', '--client', client, '--force')).code).toBe(0);
    const text = readFileSync(target, 'utf8');
    expect(text).toContain('// mine');
    expect(text).toMatch(/"other": \{\s*"command": "x"\s*\}/);
    expect(text).toContain('"gaffr"');
  });

  it.each([
    ['[]', '.mcp.json must hold an object; mend it'],
    ['"x"', '.mcp.json must hold an object; mend it'],
    ['{"mcpServers": []}', '.mcp.json must have an object as "mcpServers"; mend it'],
    ['{"mcpServers": null}', '.mcp.json must have an object as "mcpServers"; mend it'],
    ['{"mcpServers": ', '.mcp.json is no JSON'],
  ])('leaves a client’s file alone that holds %s', async (text, message) => {
    const { gaffr, folder, file } = user();
    writeFileSync(join(folder, '.mcp.json'), text);
    const { code, err } = await gaffr('init', '--client', 'claude', '--force');
    expect({ code, err }).toMatchObject({ code: 3, err: expect.stringContaining(message) });
    expect(readFileSync(join(folder, '.mcp.json'), 'utf8')).toBe(text);
    expect(existsSync(file)).toBe(false);
  });

  it('adds the server to the file of a second client, and keeps the configuration', async () => {
    const { gaffr, folder, file } = user();
    expect((await gaffr('init', '--client', 'claude')).code).toBe(0);
    const mine = `// mine\n${readFileSync(file, 'utf8')}`;
    writeFileSync(file, mine);

    const second = await gaffr('init', '--client', 'cursor');

    expect(second).toMatchObject({ code: 0, err: expect.stringContaining(`Kept ${file}.`) });
    expect(readFileSync(file, 'utf8')).toBe(mine);
    const [first, other] = ['.mcp.json', '.cursor/mcp.json'].map((path) =>
      readFileSync(join(folder, path), 'utf8'),
    );
    expect(other).toBe(first);
  });

  it('touches nothing when the server is in the client’s file already', async () => {
    const { gaffr, folder, file } = user();
    writeFileSync(join(folder, '.mcp.json'), '{"mcpServers": {"gaffr": {"command": "old"}}}');
    const { code, err } = await gaffr('init', '--client', 'claude');
    expect({ code, err }).toMatchObject({
      code: 3,
      err: expect.stringContaining('has a server "gaffr" already'),
    });
    expect(existsSync(file)).toBe(false);
  });

  it.each([
    [['--client', 'cursr'], 2, 'Did you mean cursor?'],
    [['here'], 2, 'takes no argument'],
    [['--config', '/dev/null/x/y.json'], 3, 'cannot be written'],
  ])('answers %j with %i', async (args, code, message) => {
    const ended = await user().gaffr('init', ...args);
    expect(ended.code).toBe(code);
    expect(ended.err).toContain(message);
  });

  it('has a starter whose every commented example is right', async () => {
    const text = starterText('./gaffr.schema.json');
    expect(configFileSchema.safeParse((await load(text)).config).success).toBe(true);
    const uncommented = text.replaceAll(/^( *)\/\/ (["{}]| {2,}["}])/gm, '$1$2');
    const { specs } = await load(uncommented, { TICKETS_TOKEN: 'token-of-tickets' });
    expect([...specs.keys()].slice(4)).toEqual(['writer', 'report', 'count', 'tickets', 'files']);
  });
});

describe('trust', () => {
  it('starts nothing of a file that is not trusted, and says what it would run', async () => {
    const { gaffr } = user({ services: { tool: TOOL } });
    for (const command of [['run', 'shout'], ['services'], ['route', 'x'], ['serve']]) {
      const { code, out, err } = await gaffr(...command);
      expect({ code, out }).toEqual({ code: 3, out: '' });
      expect(err).toContain('is not trusted yet. Nothing was started.');
      expect(err).toContain('run module ./tool.mjs, export default, in this process  (service "tool")');
    }
  });

  it('runs it once the user has said so', async () => {
    const { gaffr, file } = user({ services: { tool: TOOL } });
    const asked = await gaffr('trust');
    expect(asked).toMatchObject({ code: 3, out: expect.stringContaining('* is not allowed yet.') });
    expect(asked.err).toContain('gaffr trust --yes');
    expect((await gaffr('run', 'shout hi')).code).toBe(3);
    expect(await gaffr('trust', '--yes')).toMatchObject({ code: 0, err: expect.stringContaining('Allowed') });
    expect(await gaffr('run', 'shout hi', '--json')).toMatchObject({
      code: 0,
      out: expect.stringContaining('SHOUT HI!'),
    });
    expect(JSON.parse((await gaffr('trust', '--json')).out)).toEqual({
      file,
      permissions: [expect.objectContaining({ kind: 'run', service: 'tool', isAllowed: true })],
    });
    writeConfig({ services: { tool: { ...TOOL, keywords: ['more'] } } }, dirname(file));
    expect((await gaffr('services')).code).toBe(0);
    writeConfig({ services: { tool: { ...TOOL, module: './other.mjs' } } }, dirname(file));
    expect((await gaffr('services')).code).toBe(3);
    writeConfig({ services: { tool: TOOL } }, dirname(file));
    expect((await gaffr('trust', '--revoke')).code).toBe(0);
    expect((await gaffr('services')).code).toBe(3);
  });
});

describe('a configuration file on the command line', () => {
  it('is found by --config, by GAFFR_CONFIG, and in the working folder; flags go before it', async () => {
    const content = { builtins: { vision: false }, taskConfig: { maxParallel: 2 } };
    const { gaffr, file } = user(content);
    const names = async (...args: string[]) =>
      JSON.parse((await gaffr('services', '--json', ...args)).out).map(
        ({ name, concurrency }: { name: string; concurrency: number }) => `${name} ${concurrency}`,
      );
    expect(await names()).toEqual(['responses 2', 'reasoning 2', 'chat 2']);
    expect(await names('--max-parallel', '9', '--config', file)).toEqual([
      'responses 9',
      'reasoning 2',
      'chat 9',
    ]);
    const elsewhere = user(undefined, { GAFFR_CONFIG: file });
    expect(JSON.parse((await elsewhere.gaffr('services', '--json')).out)).toHaveLength(3);
    expect(JSON.parse((await gaffr('services', '--json', '--no-config')).out)).toHaveLength(4);
    expect((await user().gaffr('services', '--config', 'none.json')).err).toContain('there is no such file');
  });

  it('lets the built-in services read its folders, and those of --root instead', async () => {
    const { gaffr, folder } = user({ builtins: { roots: ['docs'] } });
    for (const name of ['docs', 'other']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'a.txt'), `text of ${name}`);
    }
    expect((await gaffr('run', 'Extract text from a.txt')).out).toContain('text of docs');
    expect((await gaffr('run', 'Extract text from a.txt', '--root', 'other')).out).toContain('text of other');
  });

  it('is applied again while serving, also at SIGHUP', async () => {
    const { file, env, folder } = user({
      services: { first: { ...TOOL, module: 'data:text/javascript,1' } },
    });
    writeConfig({}, folder);
    Object.assign(process.env, { XDG_STATE_HOME: env.XDG_STATE_HOME });
    const server = new ChildServer([MAIN, 'serve', '--config', file]);
    try {
      await server.initialize();
      writeConfig({ builtins: { vision: false } }, folder);
      await server.said('the configuration was applied');
      writeConfig({ nonsense: 1 }, folder);
      server.child.kill('SIGHUP');
      await server.said('what was in force stays');
      const params = { name: 'listServices', arguments: {} };
      server.send({ jsonrpc: '2.0', id: 9, method: 'tools/call', params });
      const listed = JSON.stringify((await server.answer(9)).result);
      expect(listed).toContain('reasoning');
      expect(listed).not.toContain('"name":"vision"');
    } finally {
      delete process.env.XDG_STATE_HOME;
      await server.kill();
    }
  });
});

describe('gaffr doctor', () => {
  const checksOf = ({
    out,
  }: Ended): { subject: string; status: string; text: string; mend: string | null }[] => JSON.parse(out);

  it('finds no fault without a configuration', async () => {
    const ended = await user().gaffr('doctor', '--json');
    expect(ended.code).toBe(0);
    expect(checksOf(ended).filter(({ status }) => status === 'fault')).toEqual([]);
    expect((await user().gaffr('doctor')).out).toMatch(/✓ node: version.*\n/);
  });

  it('says of each fault how to mend it', async () => {
    const closed = 'http://127.0.0.1:9';
    const { gaffr, folder, file } = user(
      {
        builtins: { roots: ['.', 'nowhere'] },
        services: {
          program: { kind: 'subprocess', command: 'no-such-program-here' },
          script: { kind: 'subprocess', command: './tool.mjs' },
          code: { kind: 'module', module: './none.mjs' },
          good: TOOL,
          away: { kind: 'http', url: `${closed}/t`, headers: { authorization: 'Bearer literal-secret-1' } },
          model: { kind: 'openai', baseURL: `${closed}/v1`, model: 'm', apiKey: '${env:SHORT}' },
        },
        mcpServers: { s: { url: `${closed}/mcp`, headers: { a: '${EMPTY:-x}' } } },
      },
      { SHORT: 'abc' },
    );
    expect((await gaffr('trust', '--yes')).code).toBe(0);
    chmodSync(file, 0o644);
    const ended = await gaffr('doctor', '--json');
    expect(ended.code).toBe(3);
    const lines = checksOf(ended)
      .filter(({ status }) => status !== 'ok')
      .map(({ subject, status, text, mend }) => `${status} ${subject}: ${text} → ${mend}`);
    for (const expected of [
      `fault service vision: the folder ${join(folder, 'nowhere')} cannot be read`,
      'fault service program: "no-such-program-here" is not on PATH → install it',
      'is no file that may be run → mend the path, or chmod +x',
      'fault service code: there is no module',
      `fault service away: ${closed} does not answer`,
      `fault service model: ${closed} does not list its models`,
      `fault service s: ${closed} does not answer`,
      'warning variable SHORT: is shorter than 6 characters',
      'warning variable EMPTY: is not set; mcpServers.s.headers.a uses a default',
      'fault secrets: services.away.headers.authorization hold secrets, and others can read the file → chmod 600',
    ]) {
      expect(lines.join('\n')).toContain(expected);
    }
    expect(ended.out).not.toContain('literal-secret-1');
  });

  it('asks a model server for its models, and for nothing before the file is trusted', async () => {
    const heard: (string | undefined)[] = [];
    const server = createServer(({ headers }, response) => {
      heard.push(headers.authorization);
      response.end(JSON.stringify({ data: [{ id: 'other' }] }));
    });
    await new Promise<void>((ready) => void server.listen(0, '127.0.0.1', ready));
    const { port } = server.address() as AddressInfo;
    const model = {
      kind: 'openai',
      baseURL: `http://127.0.0.1:${port}/v1`,
      model: 'm',
      apiKey: '${env:KEY}',
    };
    const { gaffr } = user({ services: { model } }, { KEY: 'key-of-model' });
    const before = await gaffr('doctor', '--json');
    expect(before.code).toBe(3);
    expect(checksOf(before)).toContainEqual(expect.objectContaining({ subject: 'trust', status: 'fault' }));
    expect(heard).toEqual([]);
    await gaffr('trust', '--yes');
    expect(checksOf(await gaffr('doctor', '--json'))).toContainEqual({
      subject: 'service model',
      status: 'warning',
      text: `http://127.0.0.1:${port} does not list the model "m"`,
      mend: 'set "model" to one of: other',
    });
    expect(heard).toEqual(['Bearer key-of-model']);
    server.close();
  });

  it.each([
    ['.', 'none.gaffr', 'it is a folder', 'none.gaffr'],
    ['tool.mjs', 'tool.mjs', 'is no journal', 'tool.mjs'],
  ])(
    'finds the faults for which serve does not start: engine %s, learned %s',
    async (path, learned, ...texts) => {
      const { gaffr } = user({ engine: { kind: 'journal', path }, routers: { learned } });
      expect((await gaffr('serve')).code).toBe(3);
      const ended = await gaffr('doctor', '--json');
      expect(ended.code).toBe(3);
      expect(checksOf(ended).filter(({ status }) => status === 'fault')).toEqual([
        expect.objectContaining({ subject: 'router learned', text: expect.stringContaining(texts[1] ?? '') }),
        expect.objectContaining({ subject: 'engine journal', text: expect.stringContaining(texts[0] ?? '') }),
      ]);
    },
  );

  it('shows what is wrong with the file', async () => {
    const { gaffr } = user({ servces: {} });
    const { code, out } = await gaffr('doctor');
    expect(code).toBe(3);
    expect(out).toContain('✗ configuration: ');
    expect(out).toContain('did you mean "services"?');
  });
});
