import { describe, expect, it, onTestFinished } from 'vitest';
import { failureOf } from '../../src/core/failure.js';
import type { Service, ServiceContext } from '../../src/core/service.js';
import { type SubprocessOptions, subprocessService } from '../../src/services/subprocess.js';
import { fixture } from './child-port.js';
import { membersOf, timed } from './isolation-support.js';
import { contextOf } from './service-context.js';

const node = process.execPath;
const print = ['-e', 'process.stdout.write(JSON.stringify(process.argv.slice(1)))', '--'];

function open(options: Partial<SubprocessOptions>): Service {
  const service = subprocessService({ command: node, ...options });
  onTestFinished(() => service.close?.() as Promise<void>);
  return service;
}

const run = async (service: Service, task: string, fields: Partial<ServiceContext> = {}): Promise<unknown> =>
  service.execute(task, contextOf(fields));

describe('a program run once for each task', () => {
  it.each(['rm -rf / ; $(id) `id` && echo "x" | cat > /tmp/y \n %PATH% *', "it's", '', '-', '--all', '$&'])(
    'gets the task %j as one argument, as it stands',
    async (task) => {
      const service = open({ args: [...print, '{task}', '--text={task}'], output: 'json' });
      expect(await run(service, task)).toEqual([task, `--text=${task}`]);
    },
  );

  it('refuses a task that could be taken for an option', async () => {
    const service = open({ args: [fixture('one-shot.mjs'), '{task}'] });
    for (const task of ['--eval=1', '-c']) {
      await expect(run(service, task)).rejects.toMatchObject({ code: 'INVALID_INPUT', retryable: false });
    }
    expect(await run(open({ args: ['-e', 'console.log(process.argv[1])', '--', '{task}'] }), '-c')).toBe(
      '-c',
    );
  });

  it.each([
    ['a NUL character', 'a\0b'],
    ['too long', 'x'.repeat(128 * 1024)],
  ])('refuses as an argument a task with %s', async (_what, task) => {
    const service = open({ args: [...print, '{task}'] });
    await expect(run(service, task)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('reads a task of any length from stdin, alone or with its kwargs', async () => {
    const task = `echo ${'long '.repeat(100_000)}`;
    const args = [fixture('one-shot.mjs')];
    expect(await run(open({ args, maxOutputBytes: 1e6 }), task)).toBe(task.slice(5));
    const json = open({ command: 'cat', stdin: 'json', output: 'json' });
    expect(await run(json, 'x', { kwargs: { pages: [1, 2] } })).toEqual({
      task: 'x',
      kwargs: { pages: [1, 2] },
    });
  });

  it('a program that reads nothing is no fault', async () => {
    expect(await run(open({ command: 'true' }), 'x'.repeat(1e6))).toBe('');
  });

  it('an exit code is the program’s own answer; 75 says that trying again helps', async () => {
    const service = open({ args: [fixture('one-shot.mjs')] });
    const failed = failureOf(await run(service, 'fail').catch((error: unknown) => error), 's', 1);
    expect(failed).toMatchObject({ retryable: false, countsAgainstCircuit: false });
    expect(failed.error.facts).toEqual({ exitCode: 1, stderr: 'the cupboard is bare' });
    expect(await run(service, 'fail again').catch((error: unknown) => error)).toMatchObject({
      retryable: true,
    });
  });

  it('fault S13: one that floods stdout is ended at the cap', async () => {
    const tookMs = await timed(
      expect(run(open({ command: 'yes' }), 'x')).rejects.toMatchObject({
        code: 'RESULT_TOO_LARGE',
        facts: { maxResultBytes: 1024 * 1024, preview: expect.stringMatching(/^y\ny/) },
      }),
    );
    expect(tookMs).toBeLessThan(2000);
  });

  it('fault S14: when it is given up, nothing of its group is left', async () => {
    const script =
      'trap \'\' TERM; sleep 60 & echo \'{"progress":0.1,"message":"\'$$\'"}\' >&2; wait; sleep 60';
    const service = open({ command: 'sh', args: ['-c', script], stdin: 'task' });
    const controller = new AbortController();
    let pid = -1;
    const progress = (_fraction: number, message?: string): void => {
      pid = Number(message);
      controller.abort(new Error('enough'));
    };
    await expect(run(service, '', { signal: controller.signal, progress })).rejects.toThrow('enough');
    expect(pid).toBeGreaterThan(0);
    expect(membersOf(pid)).toEqual([]);
  });

  it('fault S15: a command that is missing is SERVICE_UNAVAILABLE and named', async () => {
    await expect(run(open({ command: '/no/such/program' }), 'x')).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      retryable: false,
      message: expect.stringContaining('/no/such/program'),
    });
  });

  it('its environment is an allow-list, and its secrets are shown nowhere', async () => {
    process.env.GAFFR_TEST_SECRET = 'not-for-children';
    onTestFinished(() => void delete process.env.GAFFR_TEST_SECRET);
    const env = { API_TOKEN: 'the-token', MODE: 'x' };
    const out = String(await run(open({ command: 'env', env }), ''));
    expect(out).not.toContain('not-for-children');
    expect(out).toContain('API_TOKEN=[redacted]');
    expect(out).toContain('MODE=x');
    const script = 'echo "no such user: $API_TOKEN" >&2; exit 1';
    const failing = open({ command: 'sh', args: ['-c', script], env });
    await expect(run(failing, '')).rejects.toMatchObject({
      message: expect.stringContaining('no such user: [redacted]'),
      facts: { stderr: 'no such user: [redacted]' },
    });
  });

  it.each([
    [{ args: ['x'], stdin: 'none' as const }, /never see the task/],
    [{ mode: 'json-lines' as const, args: ['{task}'] }, /no effect/],
    [{ mode: 'json-lines' as const, output: 'json' as const }, /no effect/],
    [{ shell: true } as never, /shell/],
  ])('refuses options without effect: %j', (options, words) => {
    expect(() => subprocessService({ command: 'x', ...options })).toThrow(words);
  });
});

describe('a program that speaks JSON lines', () => {
  const args = [fixture('json-lines.mjs')];
  const lines = (options: Partial<SubprocessOptions> = {}): Service =>
    open({ args, mode: 'json-lines', ...options });

  it('is kept for later tasks, one process for each task at once', async () => {
    const service = lines();
    const first = await run(service, 'pid');
    expect(await run(service, 'pid')).toBe(first);
    const both = await Promise.all([run(service, 'pid'), run(service, 'pid')]);
    expect(new Set(both).size).toBe(2);
    expect(both).toContain(first);
  });

  it('gets the kwargs; what is no JSON is a fault of the input', async () => {
    const service = lines();
    expect(await run(service, 'kwargs', { kwargs: { a: [1] } })).toEqual({ a: [1] });
    await expect(run(service, 'x', { kwargs: { a: 1n } })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await run(service, 'echo x')).toBe('x');
  });

  it('may say that trying again helps, which is no fault of the service', async () => {
    const fault = await run(lines(), 'fail again').catch((error: unknown) => error);
    expect(failureOf(fault, 's', 1)).toMatchObject({ retryable: true, countsAgainstCircuit: false });
  });

  it('is told to cancel, and ended when it does not heed', async () => {
    const service = lines();
    const pid = await run(service, 'pid');
    await timed(run(service, 'hang', { signal: AbortSignal.timeout(30) }));
    expect(await run(service, 'pid')).toBe(pid);

    const deaf = lines({ env: { DEAF: 'yes' } });
    const group = Number(await run(deaf, 'pid'));
    const tookMs = await timed(run(deaf, 'hang', { signal: AbortSignal.timeout(30) }));
    expect(tookMs).toBeLessThan(1000);
    expect(membersOf(group)).toEqual([]);
    expect(await run(deaf, 'echo x')).toBe('x');
  });

  it('fault S13: what it writes beside its answers is ignored, up to a cap', async () => {
    await expect(run(lines(), 'stray')).rejects.toMatchObject({ code: 'RESULT_TOO_LARGE' });
  });

  it('close() lets idle processes end by themselves', async () => {
    const service = lines();
    const pid = Number(await run(service, 'pid'));
    expect(await timed(service.close?.() as Promise<void>)).toBeLessThan(900);
    expect(membersOf(pid)).toEqual([]);
  });

  it('works with a program in another language', async () => {
    const script = `
import json, sys
for line in sys.stdin:
    job = json.loads(line)
    if job.get("type") == "cancel": continue
    print(json.dumps({"id": job["id"], "progress": 0.5}), flush=True)
    print(json.dumps({"id": job["id"], "result": job["task"].upper()}), flush=True)
`;
    const service = open({ command: 'python3', args: ['-c', script], mode: 'json-lines' });
    expect(await run(service, 'quiet')).toBe('QUIET');
  });
});
