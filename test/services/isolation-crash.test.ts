import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator } from '../../src/index.js';
import { RestartIntensity } from '../../src/services/isolation/restart-intensity.js';
import { attempt, isolations, open, timed } from './isolation-support.js';

const run = promisify(execFile);

// What dying code says on stderr is passed on; here nobody wants to read it.
beforeEach(() => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(isolations)('a crash, isolate: %j', (isolate) => {
  it('fault S11: process.exit() is CRASHED with its exit code, and the next attempt gets a fresh one', async () => {
    const service = open('exits', { isolate });
    for (const code of [0, 3]) {
      await expect(attempt(service, { kwargs: { code } })).rejects.toMatchObject({
        code: 'CRASHED',
        facts: { exitCode: code },
        message: expect.stringMatching(/(thread|process) of module ".*behaviours\.mjs" died/),
      });
    }
  });

  it('fault S9: an error thrown by a timer ends only the thread or process', async () => {
    await expect(attempt(open('crashesLater', { isolate }))).rejects.toMatchObject({ code: 'CRASHED' });
  });

  it('an exhausted heap is CRASHED', async () => {
    const service = open('exhaustsMemory', { isolate, resourceLimits: { maxOldGenerationSizeMb: 40 } });
    await expect(attempt(service)).rejects.toMatchObject({
      code: 'CRASHED',
      facts: isolate === 'thread' ? { reason: 'out of memory' } : { signal: 'SIGABRT' },
    });
  });
});

describe('RestartIntensity', () => {
  it('fault S12: each restart waits twice as long as the one before', () => {
    const restarts = new RestartIntensity();
    expect(restarts.waitMs(0)).toBe(0);
    const waits = Array.from({ length: 5 }, () => {
      restarts.crashed(1000);
      return restarts.waitMs(1000);
    });
    expect(waits).toEqual([50, 100, 200, 400, 800]);
    expect(restarts.waitMs(1500)).toBe(300);
    expect(restarts.waitMs(61_000)).toBe(0);
  });
});

it('fault S12: a restart waits for its backoff', async () => {
  // For this service time stands still at the moment of its crash.
  const service = open('crashesIfTold', { isolate: 'thread', now: () => 0 });
  for (let crashes = 1; crashes <= 4; crashes += 1) await timed(attempt(service, {}, 'crash'));
  expect(await timed(attempt(service))).toBeGreaterThan(400);
});

it('fault S12: 5 restarts in 60 s are fine, the 6th makes the service failed for a while', async () => {
  let nowMs = 0;
  const service = open('crashesIfTold', { isolate: 'process', now: () => nowMs });
  const crash = () => attempt(service, {}, 'crash');
  for (let crashes = 1; crashes <= 6; crashes += 1) {
    expect(await attempt(service)).toBe('fine');
    await expect(crash()).rejects.toMatchObject({ code: 'CRASHED', facts: { exitCode: 7 } });
    nowMs += 5000;
  }
  await expect(attempt(service)).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    retryable: true,
    // The first crash was 30 s ago.
    facts: { retryAfterSeconds: 30 },
  });
  nowMs += 30_000;
  expect(await attempt(service)).toBe('fine');
});

it('fault S12: a failed service opens its circuit and leaves other services alone', async () => {
  let nowMs = 0;
  const services = {
    crashes: open('crashesIfTold', { isolate: 'thread', now: () => (nowMs += 1000) }),
    other: open('default'),
  };
  const orchestrator = createOrchestrator({
    services,
    log: silentLog,
    config: { taskConfig: { maxRetries: 0, circuitFailures: 7 }, routingConfig: { fallbackService: null } },
  });
  const crash = () => orchestrator.execute('crash', { service: 'crashes' });
  for (let crashes = 1; crashes <= 6; crashes += 1)
    expect(await crash()).toMatchObject({ errorCode: 'CRASHED' });
  expect(await crash()).toMatchObject({ errorCode: 'SERVICE_UNAVAILABLE' });
  expect(orchestrator.listServices()).toMatchObject([{ state: 'failed' }, { state: 'idle' }]);
  expect(await orchestrator.execute('x', { service: 'other' })).toMatchObject({ success: true });
  await orchestrator.close({ drainSeconds: 0 });
});

it('fault S12: the signal that ended a process is told', async () => {
  await expect(attempt(open('signalsItself', { isolate: 'process' }))).rejects.toMatchObject({
    code: 'CRASHED',
    facts: { exitCode: null, signal: 'SIGSEGV' },
  });
});

it.each([
  ['/no/such/node', 'ENOENT'],
  ['/etc/passwd', 'EACCES'],
])('fault S15: "%s" cannot be started: %s, not retryable', async (execPath, reason) => {
  await expect(attempt(open('default', { isolate: 'process', execPath }))).rejects.toMatchObject({
    code: 'SERVICE_UNAVAILABLE',
    retryable: false,
    facts: { command: execPath, reason },
    message: expect.stringContaining(execPath),
  });
});

it('fault S15: without a free file descriptor it is retryable, and works once there are some', async () => {
  const script = `
    import { openSync, closeSync } from 'node:fs';
    import { moduleService } from './src/services/module.ts';
    import { contextOf } from './test/services/service-context.ts';
    const module = 'test/fixtures/modules/behaviours.mjs';
    const service = moduleService({ module, isolate: 'process' });
    // What a service loads when it is first used is not what is tested here.
    await import('./src/services/isolation/module-runner.ts');
    const files = [];
    try { for (;;) files.push(openSync('/dev/null')); } catch {}
    const fault = await service.execute('x', contextOf()).catch((fault) => fault);
    files.forEach((file) => closeSync(file));
    const { task } = await service.execute('x', contextOf());
    await service.close();
    console.log(JSON.stringify([fault.code, fault.retryable, fault.facts.reason, task]));`;
  const node = `ulimit -n 200 && exec "$0" --import tsx --input-type=module --eval "$1"`;
  const { stdout } = await run('sh', ['-c', node, process.execPath, script], { timeout: 20_000 });
  expect(JSON.parse(stdout)).toEqual(['SERVICE_UNAVAILABLE', true, 'EMFILE', 'x']);
});
