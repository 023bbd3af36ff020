import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.js';
import { permissionLine, TrustStore, untrusted } from '../../src/config/trust.js';
import { freshFolder, load, writeConfig } from './support.js';

async function asked(content: unknown, env: Record<string, string> = {}): Promise<string[]> {
  return (await load(content, env)).permissions.map(permissionLine).map((line) => line.trim());
}

describe('permissions', () => {
  it('shows exactly what would be run, with arguments, folder and variables', async () => {
    const lines = await asked(
      {
        services: {
          a: {
            kind: 'subprocess',
            command: 'python3',
            args: ['-c', 'print("a b")'],
            cwd: 'sub',
            inheritEnv: ['PATH'],
          },
          b: { kind: 'module', module: './x.mjs', export: 'run', isolate: 'process', execPath: '/opt/node' },
          c: { kind: 'mcp', command: 'npx', args: ['-y', 'pkg'], env: { TOKEN: '${env:T}' } },
        },
      },
      { T: 'value-of-t' },
    );
    expect(lines).toEqual([
      'run python3 -c "print(\\"a b\\")", in sub, with PATH  (service "a")',
      'run module ./x.mjs, export run, in a process, run by /opt/node  (service "b")',
      'run npx -y pkg, with TOKEN=${env:T}  (service "c")',
    ]);
  });

  it('asks for addresses of other machines, and says which variables they are told', async () => {
    const lines = await asked(
      {
        builtins: {
          allowPrivateHosts: ['10.0.0.1'],
          responses: { search: { provider: 'searxng', url: 'https://search.example' } },
          chat: { baseURL: 'http://127.0.0.1:9/v1', apiKey: '${env:K}' },
        },
        services: {
          near: { kind: 'http', url: 'http://localhost:8080/t' },
          far: { kind: 'http', url: 'https://far.example/t', headers: { 'x-key': '${env:K}' } },
        },
      },
      { K: 'key-of-mine' },
    );
    expect(lines).toEqual([
      'talk to pages of 10.0.0.1  (service "responses")',
      'talk to https://search.example  (service "responses")',
      'talk to http://127.0.0.1:9/v1, told K  (service "chat")',
      'talk to https://far.example/t, told K  (service "far")',
    ]);
  });

  it('asks for folders outside that of the file, where a link leads too', async () => {
    const folder = freshFolder();
    const outside = freshFolder();
    mkdirSync(join(folder, 'notes'));
    symlinkSync(outside, join(folder, 'link'));
    const file = writeConfig({ builtins: { roots: ['.', 'notes', 'link', '..', '~'] } }, folder);
    const { permissions } = await loadConfig(file, { env: {} });
    const read = permissions.filter(({ service }) => service === 'vision').map(({ text }) => text);
    expect(read).toHaveLength(3);
    expect(read[0]).toBe(`files in ${outside}`);
  });

  it('asks for nothing when nothing leaves the folder', async () => {
    expect(await asked({ builtins: { roots: ['.'] }, taskConfig: { maxParallel: 2 } })).toEqual([]);
  });

  it('lets nothing hide in the line that a person agrees to', async () => {
    const args = ['\u001b[2K\rls', 'a\nb', '\u202Egpj.exe', '\u{E0041}', '\u2028'];
    const [line = ''] = await asked({ services: { a: { kind: 'subprocess', command: 'x', args } } });
    expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    expect(line).toContain('\\u{202e}');
  });
});

describe('TrustStore', () => {
  const command = (args: string[], more: object = {}) => ({
    kind: 'subprocess',
    command: 'x',
    args,
    ...more,
  });

  async function storeAnd(content: object) {
    const store = new TrustStore({ XDG_STATE_HOME: freshFolder() });
    const folder = freshFolder();
    const reload = (changed: object) => loadConfig(writeConfig(changed, folder), { env: {} });
    const loaded = await reload(content);
    return { store, reload, loaded };
  }

  it('knows nothing at first, and what was granted afterwards, in a file that only the user reads', async () => {
    const { store, loaded } = await storeAnd({ services: { a: command(['1']) } });
    expect(await store.missing(loaded)).toHaveLength(1);
    expect(existsSync(store.file)).toBe(false);
    await store.grant(loaded, 0);
    expect(await store.missing(loaded)).toEqual([]);
    expect(statSync(store.file).mode & 0o777).toBe(0o600);
    expect(statSync(join(store.file, '..')).mode & 0o777).toBe(0o700);
    await store.revoke(loaded.file);
    expect(await store.missing(loaded)).toHaveLength(1);
  });

  it('asks again only for what is run differently', async () => {
    const { store, reload, loaded } = await storeAnd({ services: { a: command(['1']), b: command(['2']) } });
    await store.grant(loaded, 0);
    const still = [
      { services: { a: command(['1'], { keywords: ['new'], concurrency: 3 }), b: command(['2']) } },
      { services: { renamed: command(['1']) }, taskConfig: { maxParallel: 1 } },
      { services: { b: command(['2']), a: command(['1']) } },
    ];
    for (const content of still) expect(await store.missing(await reload(content))).toEqual([]);
    const changed = [
      command(['1', '2']),
      command(['1'], { cwd: '/' }),
      command(['1'], { env: { NODE_OPTIONS: '--require ./x.js' } }),
      command(['1'], { inheritEnv: ['AWS_SECRET_ACCESS_KEY'] }),
      { ...command(['1']), command: './x' },
    ];
    for (const a of changed) {
      expect(await store.missing(await reload({ services: { a, b: command(['2']) } }))).toMatchObject([
        { service: 'a' },
      ]);
    }
  });

  it('does not carry what one file was granted over to another', async () => {
    const { store, loaded } = await storeAnd({ services: { a: command(['1']) } });
    await store.grant(loaded, 0);
    expect(await store.missing(await load({ services: { a: command(['1']) } }))).toHaveLength(1);
  });

  it('forgets what a file no longer asks for', async () => {
    const { store, reload, loaded } = await storeAnd({ services: { a: command(['1']), b: command(['2']) } });
    await store.grant(loaded, 0);
    await store.grant(await reload({ services: { a: command(['1']) } }), 0);
    expect(await store.missing(await reload({ services: { b: command(['2']) } }))).toHaveLength(1);
  });

  it.each([
    ['is no JSON', '{', 0o600],
    ['has another shape', '{"version": 2}', 0o600],
    ['can be written by everybody', '{"version":1,"files":{}}', 0o666],
  ])('trusts nothing when its file %s', async (_case, text, mode) => {
    const { store, loaded } = await storeAnd({ services: { a: command(['1']) } });
    mkdirSync(join(store.file, '..'), { recursive: true });
    writeFileSync(store.file, text);
    chmodSync(store.file, mode);
    await expect(store.missing(loaded)).rejects.toThrow(/trust\.json: cannot be relied on/);
    await expect(store.grant(loaded, 0)).rejects.toThrow(/cannot be relied on/);
    expect(readFileSync(store.file, 'utf8')).toBe(text);
  });

  it('says what would happen, and how to allow it', async () => {
    const { permissions, file } = await load({ services: { a: command(['1']) } });
    expect(untrusted(file, permissions).message).toBe(
      `${file}: is not trusted yet. Nothing was started. It would\n  run x 1  (service "a")\nRead it, and if you want this: gaffr trust --config ${file}`,
    );
  });
});
