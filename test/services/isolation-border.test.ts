import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import { attempt, isolations, open } from './isolation-support.js';

const run = promisify(execFile);
const MIB = 1024 * 1024;

describe.each(isolations)('what crosses the border, isolate: %j', (isolate) => {
  it('fault S6: a giant result stays where it is; only its beginning comes over', async () => {
    const service = open('large', { isolate });
    await attempt(service, { kwargs: { bytes: 1 } });
    const before = process.memoryUsage().rss;
    await expect(attempt(service, { kwargs: { bytes: 100 * MIB } })).rejects.toMatchObject({
      code: 'RESULT_TOO_LARGE',
      retryable: false,
      facts: { maxResultBytes: 16 * MIB, preview: 'x'.repeat(1024) },
    });
    // A thread shares this process: its own heap is counted here until it is collected.
    if (isolate === 'process') expect(process.memoryUsage().rss - before).toBeLessThan(50 * MIB);
    expect(await attempt(service, { kwargs: { bytes: 3 } })).toBe('xxx');
  });

  it('fault S6: an endless generator is cut off as soon as it is too large', async () => {
    const service = open('endlessItems', { isolate, maxResultBytes: MIB });
    await expect(attempt(service)).rejects.toMatchObject({ code: 'RESULT_TOO_LARGE' });
  });

  it('fault S7: a function cannot leave', async () => {
    await expect(attempt(open('functions', { isolate }))).rejects.toMatchObject({
      code: 'UNSERIALISABLE',
      retryable: false,
    });
  });

  it('arguments that cannot be copied are the fault of the caller', async () => {
    const service = open('default', { isolate });
    await expect(attempt(service, { kwargs: { format: () => {} } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await attempt(service, {}, 'next')).toMatchObject({ task: 'next' });
  });

  it('default 5: a task is text, whatever it holds', async () => {
    const task = '$(touch /tmp/owned); `id` --eval "process.exit()" \n\0';
    expect(await attempt(open('default', { isolate }), {}, task)).toMatchObject({ task });
  });

  it('default 6: it sees PATH, HOME, LANG, TMPDIR and what is declared, nothing else', async () => {
    vi.stubEnv('GAFFR_CANARY', 'secret');
    vi.stubEnv('LANG', 'C.UTF-8');
    const env = { TOKEN: `\${env:GAFFR_CANARY}!`, PLAIN: '1' };
    const seen = (await attempt(open('environment', { isolate, env }))) as Record<string, string>;
    expect(seen).toMatchObject({ TOKEN: 'secret!', PLAIN: '1', LANG: 'C.UTF-8' });
    const allowed = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'TOKEN', 'PLAIN'];
    expect(Object.keys(seen).filter((name) => !allowed.includes(name))).toEqual([]);
    expect(await attempt(open('environment', { isolate, inheritEnv: ['LANG'] }))).toEqual({
      LANG: 'C.UTF-8',
    });
    vi.unstubAllEnvs();
  });

  it('default 6: a variable that is not set is named', async () => {
    const service = open('default', { isolate, env: { TOKEN: `\${env:GAFFR_ABSENT}` } });
    await expect(attempt(service)).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      retryable: false,
      message: expect.stringContaining('GAFFR_ABSENT'),
    });
  });

  it('fault C2: what it prints goes to stderr, never to our stdout', async () => {
    const { stdout, stderr } = await inChild(isolate, 'prints', {});
    expect(stdout).toBe('result: quiet\n');
    for (const how of ['console.log', 'stdout.write', 'console.error'])
      expect(stderr).toContain(`printed by ${how}`);
  });

  it('fault S13: 1 MiB of stderr is passed on, the rest is counted', async () => {
    const warnings: object[] = [];
    const log = { ...silentLog, warn: (facts: object) => void warnings.push(facts) };
    const kwargs = { stream: 'stderr', mib: 3 };
    const { stdout, stderr } = await inChild(isolate, 'floods', kwargs);
    expect(stdout).toBe('result: flooded\n');
    expect(stderr.match(/x/g)).toHaveLength(MIB);
    if (isolate === 'thread') return;
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await attempt(open('floods', { isolate }), { kwargs, log });
    write.mockRestore();
    expect(warnings).toEqual([{ droppedBytes: 2 * MIB }]);
  });
});

it('fault S13: a process that floods stdout is ended', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const service = open('floods', { isolate: 'process' });
  await expect(attempt(service, { kwargs: { stream: 'stdout', mib: 1000 } })).rejects.toMatchObject({
    code: 'RESULT_TOO_LARGE',
    facts: { maxResultBytes: MIB, preview: 'x'.repeat(1024) },
  });
  expect(await attempt(service, { kwargs: { stream: 'stdout', mib: 1 } })).toBe('flooded');
  write.mockRestore();
});

it('a process finds no channel to its parent', async () => {
  expect(await attempt(open('usesParent', { isolate: 'process' }))).toBe('undefined');
});

/** Runs one attempt in a process whose streams are seen. */
function inChild(isolate: string, name: string, kwargs: object): Promise<{ stdout: string; stderr: string }> {
  const script = `
    import { moduleService } from './src/services/module.ts';
    import { contextOf } from './test/services/service-context.ts';
    const service = moduleService({
      module: 'test/fixtures/modules/behaviours.mjs', export: '${name}', isolate: '${isolate}',
    });
    console.log('result:', await service.execute('x', contextOf({ kwargs: ${JSON.stringify(kwargs)} })));
    await service.close();`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  return run(process.execPath, args, { timeout: 20_000, maxBuffer: 64 * MIB });
}
