import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { faultsOf, freshFolder, load, writeConfig } from './support.js';

const module = { kind: 'module', module: './tool.mjs' };

describe('loadConfig()', () => {
  it('reads comments and commas at the end of lists', async () => {
    const text = '\uFEFF{\n  // why\n  "taskConfig": { "maxParallel": 3, /* here */ },\n}\n';
    expect((await load(text)).config.taskConfig).toMatchObject({ maxParallel: 3, timeoutSeconds: 300 });
  });

  it('has the four built-in services and then those of the file, each once', async () => {
    const { specs } = await load({
      builtins: { reasoning: false },
      services: { chat: { kind: 'openai', baseURL: 'http://127.0.0.1:1/v1', model: 'm' }, own: module },
      mcpServers: { files: { command: 'npx', args: ['-y', 'x'] } },
    });
    expect([...specs].map(([name, { spec }]) => [name, spec.kind])).toEqual([
      ['vision', 'builtin'],
      ['responses', 'builtin'],
      ['chat', 'openai'],
      ['own', 'module'],
      ['files', 'mcp'],
    ]);
  });

  it('takes paths from the folder of the file, and leaves names on PATH alone', async () => {
    const folder = freshFolder();
    const file = writeConfig(
      {
        builtins: { roots: ['notes'] },
        services: {
          own: module,
          word: { kind: 'subprocess', command: 'wc', args: ['./x'] },
          script: { kind: 'subprocess', command: './run.sh', cwd: 'sub' },
        },
      },
      folder,
    );
    const { specs } = await loadConfig(file, { env: {} });
    expect(specs.get('vision')?.spec).toMatchObject({ roots: [join(folder, 'notes')] });
    expect(specs.get('own')?.spec).toMatchObject({ module: join(folder, 'tool.mjs') });
    expect(specs.get('word')?.spec).toMatchObject({ command: 'wc', args: ['./x'], cwd: folder });
    expect(specs.get('script')?.spec).toMatchObject({
      command: join(folder, 'run.sh'),
      cwd: join(folder, 'sub'),
    });
  });

  it('keeps a built-in service apart from what the file does not say', async () => {
    const { specs } = await load({
      builtins: { roots: ['a'], vision: { maxPages: 3 }, responses: { roots: ['b'] } },
    });
    expect(specs.get('vision')?.spec).toMatchObject({ maxPages: 3, roots: [expect.stringMatching(/a$/)] });
    expect(specs.get('responses')?.spec).toMatchObject({ roots: [expect.stringMatching(/b$/)] });
    expect(specs.get('chat')?.spec).toEqual({ kind: 'builtin', name: 'chat' });
  });

  it('does not read what is switched off', async () => {
    const { specs } = await load({
      builtins: { chat: { enabled: false } },
      services: { off: { kind: 'nonsense', enabled: false, url: '${env:NOT_SET}' } },
      mcpServers: { gone: { command: 'x', disabled: true, env: { A: '${env:NOT_SET}' } } },
    });
    expect([...specs.keys()]).toEqual(['vision', 'responses', 'reasoning']);
  });

  it.each([
    [
      'a typo in a key',
      { services: { n: { ...module, keyword: ['a'] } } },
      'line 6, services.n.keyword: unknown key "keyword", did you mean "keywords"?',
    ],
    [
      'a key that is like nothing',
      { colour: 1 },
      'line 2, colour: unknown key "colour"; known: $schema, taskConfig, routingConfig, routers, engine, builtins, services, mcpServers, servers, inputs',
    ],
    [
      'a typo in a kind',
      { services: { n: { kind: 'opanai' } } },
      'line 4, services.n.kind: must be one of "builtin", "module", "openai", "mcp", "subprocess", "http", not "opanai"; did you mean "openai"?',
    ],
    [
      'no kind',
      { services: { n: { url: 'http://x' } } },
      'line 3, services.n.kind: is missing; it must be one of',
    ],
    [
      'a typo in a value',
      { services: { n: { ...module, isolate: 'tread' } } },
      'not "tread"; did you mean "thread"?',
    ],
    [
      'a value out of range',
      { taskConfig: { maxParallel: 0 } },
      'line 3, taskConfig.maxParallel: too small: expected number to be >=1; got 0',
    ],
    [
      'a wrong type',
      { taskConfig: { timeoutSeconds: '5' } },
      'taskConfig.timeoutSeconds: must be a number, not "5"',
    ],
    [
      'a wrong type inside a list',
      { services: { n: { ...module, keywords: [7] } } },
      'services.n.keywords[0]: must be a text, not 7',
    ],
    [
      'a missing field',
      { services: { n: { kind: 'http' } } },
      'services.n.url: is missing; it must be a text',
    ],
    [
      'an address that is none',
      { services: { n: { kind: 'http', url: 'example' } } },
      'services.n.url: invalid URL',
    ],
    [
      'a typo inside a built-in service',
      { builtins: { vision: { root: ['.'] } } },
      'builtins.vision.root: unknown key "root", did you mean "roots"?',
    ],
    [
      'a server with neither command nor url',
      { mcpServers: { 'my server': {} } },
      'mcpServers["my server"].command: give either a command to start or a url to reach',
    ],
    [
      'fields of the other transport',
      { services: { n: { kind: 'mcp', url: 'http://x', cwd: '.' } } },
      'services.n.cwd: has no effect beside url',
    ],
    [
      'the old transport',
      { mcpServers: { s: { type: 'sse', url: 'http://x/sse' } } },
      'mcpServers.s.type: servers of type "sse" are not supported',
    ],
    [
      'one name for two',
      { services: { a: module }, mcpServers: { a: { command: 'x' } } },
      'mcpServers.a: there is a service "a" in services already',
    ],
    [
      'a fallback that is not there',
      { routingConfig: { fallbackService: 'caht' } },
      'routingConfig.fallbackService: there is no service "caht"; known: vision, responses, reasoning, chat',
    ],
    [
      'a planner that is none',
      { services: { a: { kind: 'mcp', command: 'x', planner: 'vision' } } },
      'services.a.planner: names no service of the kind openai',
    ],
    [
      'a key twice',
      '{"services": {},\n "services": {}}',
      'line 2, services: the key "services" stands here a second time',
    ],
    [
      'a key that changes objects',
      '{"services": {"__proto__": {}}}',
      'line 1, services.__proto__: this key cannot be used',
    ],
    ['half a file', '{"services": {\n', 'is no JSON here: '],
    ['an empty file', '', 'is empty; write at least {}'],
    ['no object', '[]', 'must be an object, not a list'],
    ['nesting without end', '['.repeat(100_000), 'is nested deeper than 64 levels'],
  ])('says where and what about %s', async (_case, content, message) => {
    expect((await faultsOf(content)).join('\n')).toContain(message);
  });

  it('tells everything that is wrong at once, in the order of the lines', async () => {
    const faults = await faultsOf({
      taskConfig: { maxParallel: 0 },
      services: { a: { kind: 'http', url: '${env:NOT_SET}' }, b: { kind: 'what' } },
      extra: true,
    });
    expect(faults.map((line) => line.split(':')[0])).toEqual([
      'line 3, taskConfig.maxParallel',
      'line 8, services.a.url',
      'line 11, services.b.kind',
      'line 14, extra',
    ]);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
    'has a service called %s',
    async (name) => {
      const { specs } = await load({ services: { [name]: module } });
      expect(specs.get(name)?.spec.kind).toBe('module');
      expect(await faultsOf({ services: { a: { ...module, [name]: 1 } } })).toHaveLength(1);
    },
  );

  it('never shows a value that may be a secret', async () => {
    const faults = await faultsOf({
      services: { a: { kind: 'openai', baseURL: 'http://x', model: 'm', apiKey: 'sk-ünsafe' } },
    });
    expect(faults.join()).toContain('services.a.apiKey');
    expect(faults.join()).not.toContain('sk-');
  });

  const inAddress = 'http://user:hunter22secret@127.0.0.1:1';
  const http = { kind: 'http', url: 'http://x' };
  const mcp = { kind: 'mcp', command: 'x' };
  it.each([
    ['the address of a model', 'a.baseURL', { a: { kind: 'openai', baseURL: inAddress, model: 'm' } }],
    ['the address of a service', 'a.url', { a: { kind: 'http', url: inAddress } }],
    ['the address of a server', 'a.url', { a: { kind: 'mcp', url: inAddress } }],
    ['a broken address', 'a.url', { a: { kind: 'http', url: 'http//x?api_key=hunter22secret' } }],
    ['variables as a text', 'a.env', { a: { ...mcp, env: 'TOKEN=hunter22secret' } }],
    ['a variable of a wrong type', 'a.env.X', { a: { ...mcp, env: { X: 22_765_432 } } }],
    ['names of variables', 'a.inheritEnv', { a: { ...mcp, inheritEnv: 'X=hunter22secret' } }],
    ['arguments as a text', 'a.args', { a: { ...mcp, args: '--password hunter22secret' } }],
    ['an argument of a wrong type', 'a.args[1]', { a: { ...mcp, args: ['-p', 22_765_432] } }],
    ['headers as a text', 'a.headers', { a: { ...http, headers: 'X: hunter22secret' } }],
    ['a header', 'a.headers.X', { a: { ...http, headers: { X: 'hunter22secreté' } } }],
    ['a header for a name', 'a.headers', { a: { ...http, headers: { 'X-Key: hunter22secret': '' } } }],
    ['a header for a key', 'a:', { a: { ...http, 'Authorization: Bearer hunter22secret': '' } }],
    [
      'a key in a wrong place',
      'a.mode',
      { a: { ...mcp, kind: 'subprocess', mode: 'Bearer hunter22secret' } },
    ],
    ['a flag in a wrong place', 'a.kind', { a: { ...mcp, kind: '--api-key hunter22secret' } }],
    ['an address in a wrong place', 'a.kind', { a: { kind: inAddress } }],
    ['a header for a service', 'a', { a: 'Authorization: Basic hunter22secret' }],
  ])('shows nothing of %s', async (_what, path, services) => {
    const faults = await faultsOf({ services });
    expect(faults.join('\n')).toContain(`services.${path}`);
    expect(faults.join('\n')).not.toMatch(/hunter|22.?765|user:/);
  });

  it.each([
    ['routers.llm.baseURL', { routers: { llm: { baseURL: inAddress, model: 'm' } } }],
    ['builtins.chat.baseURL', { builtins: { chat: { baseURL: inAddress, model: 'm' } } }],
    ['mcpServers.a.type', { mcpServers: { a: { url: 'http://x', type: 'Bearer hunter22secret' } } }],
  ])('shows nothing of a secret at %s', async (path, content) => {
    const faults = await faultsOf(content);
    expect(faults.join('\n')).toContain(path);
    expect(faults.join('\n')).not.toMatch(/hunter|user:/);
  });

  it('says what kind of value it does not show', async () => {
    const faults = await faultsOf({ services: { a: { ...mcp, env: 'TOKEN=x', args: '-x' } } });
    expect(faults.join('\n')).toContain('services.a.env: must be an object, not a text');
    expect(faults.join('\n')).toContain('services.a.args: must be a list, not a text');
  });

  it('says that there is no file', async () => {
    await expect(loadConfig('/nowhere/gaffr.config.json', { env: {} })).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(
        /^\/nowhere\/gaffr\.config\.json: cannot be read: there is no such file/,
      ),
    });
    await expect(loadConfig(freshFolder(), { env: {} })).rejects.toThrow('no regular file');
  });

  it.skipIf(process.platform === 'win32')('refuses a file that everybody can change', async () => {
    const file = writeConfig({});
    chmodSync(file, 0o666);
    await expect(loadConfig(file, { env: {} })).rejects.toThrow(/can be changed by everybody.*chmod go-w/);
  });

  it('follows a link to the file, and takes paths from where it really is', async () => {
    const real = freshFolder();
    writeConfig({ services: { own: module } }, real);
    const link = join(freshFolder(), 'gaffr.config.json');
    symlinkSync(join(real, 'gaffr.config.json'), link);
    const { file, specs } = await loadConfig(link, { env: {} });
    expect(file).toBe(join(real, 'gaffr.config.json'));
    expect(specs.get('own')?.spec).toMatchObject({ module: join(real, 'tool.mjs') });
  });
});

describe('blocks of clients', () => {
  it('takes the block of Claude unchanged, fields of other clients too', async () => {
    const { specs } = await load({
      mcpServers: {
        github: {
          command: 'npx',
          args: ['-y', '@modelcontextprotocol/server-github'],
          env: { GITHUB_TOKEN: 'literal-token-1' },
          autoApprove: ['search'],
          alwaysAllow: [],
          timeout: 60,
        },
        remote: {
          type: 'http',
          url: 'https://mcp.example.org/mcp',
          headers: { Authorization: 'Bearer x' },
          args: [],
        },
      },
    });
    expect(specs.get('github')?.spec).toMatchObject({
      kind: 'mcp',
      command: 'npx',
      env: { GITHUB_TOKEN: 'literal-token-1' },
    });
    expect(specs.get('github')?.spec).not.toHaveProperty('autoApprove');
    expect(specs.get('remote')?.spec).toEqual({
      kind: 'mcp',
      url: 'https://mcp.example.org/mcp',
      headers: { Authorization: 'Bearer x' },
    });
  });

  it('takes what gaffr adds to it', async () => {
    const { specs } = await load({
      mcpServers: { a: { command: 'x', keywords: ['k'], concurrency: 2, defaultTool: 't' } },
    });
    expect(specs.get('a')?.spec).toMatchObject({ keywords: ['k'], concurrency: 2 });
  });

  it('takes the block of VS Code unchanged, its questions and places filled in', async () => {
    const folder = freshFolder();
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'sub', '.env'), 'FROM_FILE=file-secret-1\nBOTH=file\n');
    const file = writeConfig(
      {
        inputs: [{ type: 'promptString', id: 'github-token', description: 'Token', password: true }],
        servers: {
          gh: {
            type: 'stdio',
            command: 'node',
            args: ['${workspaceFolder}/server.js', '${userHome}', '${unknown:thing}'],
            env: { TOKEN: '${input:github-token}', BOTH: 'block' },
            envFile: '${workspaceFolder}/sub/.env',
            gallery: true,
          },
        },
      },
      folder,
    );
    const { specs, secrets } = await loadConfig(file, { env: { GITHUB_TOKEN: 'gh-secret-12' } });
    expect(specs.get('gh')?.spec).toMatchObject({
      args: [`${folder}/server.js`, expect.stringMatching(/^[/\\A-Z]/), '${unknown:thing}'],
      env: { TOKEN: '${env:GITHUB_TOKEN}', FROM_FILE: 'file-secret-1', BOTH: 'block' },
    });
    expect(secrets).toEqual(expect.arrayContaining(['gh-secret-12', 'file-secret-1']));
  });

  it('fills in ${NAME} and ${NAME:-default}', async () => {
    const { specs } = await load(
      { mcpServers: { a: { url: 'https://${HOST}/${PLACE:-mcp}', headers: { 'X-Key': '${KEY}' } } } },
      { HOST: 'mcp.example.org', KEY: 'key-12345678' },
    );
    expect(specs.get('a')?.spec).toMatchObject({
      url: 'https://mcp.example.org/mcp',
      headers: { 'X-Key': 'key-12345678' },
    });
    expect(await faultsOf({ mcpServers: { a: { command: '${NOT_SET}' } } })).toEqual([
      expect.stringContaining('mcpServers.a.command: the variable NOT_SET is not set'),
    ]);
  });

  it('says which file of variables is missing', async () => {
    expect(await faultsOf({ servers: { a: { command: 'x', envFile: './.none' } } })).toEqual([
      expect.stringMatching(/line \d+, servers\.a\.envFile: "\.\/\.none" cannot be read/),
    ]);
  });
});

describe('${env:NAME}', () => {
  it('is filled in, and kept as it is for the environment of a child', async () => {
    const env = { TOKEN: 'token-12345', PLACE: '/srv/x' };
    const { specs, variables } = await load(
      {
        services: {
          a: { kind: 'http', url: 'https://x.example/t', headers: { authorization: 'Bearer ${env:TOKEN}' } },
          b: { kind: 'subprocess', command: 'x', args: ['--in', '${env:PLACE}'], env: { T: '${env:TOKEN}' } },
        },
      },
      env,
    );
    expect(specs.get('a')?.spec).toMatchObject({ headers: { authorization: 'Bearer token-12345' } });
    expect(specs.get('b')?.spec).toMatchObject({ args: ['--in', '/srv/x'], env: { T: '${env:TOKEN}' } });
    expect(variables.map(({ name, isSet }) => [name, isSet])).toEqual([
      ['TOKEN', true],
      ['PLACE', true],
      ['TOKEN', true],
    ]);
  });

  it.each([
    ['a variable that is not set', '${env:NOT_SET}', 'the variable NOT_SET is not set'],
    ['a name that is none', '${env:not a name}', '"${env:not a name}" names no variable'],
    ['a name of every object', '${env:constructor}', 'the variable constructor is not set'],
  ])('says the place and the name of %s', async (_case, text, message) => {
    const faults = await faultsOf({
      services: { a: { kind: 'subprocess', command: 'x', env: { T: text } } },
    });
    expect(faults).toEqual([expect.stringContaining(`services.a.env.T: ${message}`)]);
  });

  it('leaves other dollars alone', async () => {
    const args = ['$HOME', '${HOME}', '$(id)', '{task}'];
    const { specs } = await load({ services: { a: { kind: 'subprocess', command: 'x', args } } });
    expect(specs.get('a')?.spec).toMatchObject({ args });
  });
});
