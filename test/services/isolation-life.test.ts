import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/index.js';
import { attempt, begin, eventually, isolations, membersOf, open, timed } from './isolation-support.js';

const run = promisify(execFile);

interface Whereabouts {
  readonly pid: number;
  readonly threadId: number;
  readonly calls: number;
}

describe.each(isolations)('the life of threads and processes, isolate: %j', (isolate) => {
  const whereabouts = (service: Parameters<typeof attempt>[0], waitMs = 0) =>
    attempt(service, { kwargs: { waitMs } }) as Promise<Whereabouts>;

  it('is kept warm: attempts one after another run in the same one', async () => {
    const service = open('whereabouts', { isolate });
    const first = await whereabouts(service);
    expect(await whereabouts(service)).toEqual({ ...first, calls: 2 });
    expect([first.pid === process.pid, first.threadId === 0]).toEqual(
      isolate === 'thread' ? [true, false] : [false, true],
    );
  });

  it('promise C3: three attempts at once run in three of them, and never more', async () => {
    const service = open('whereabouts', { isolate, concurrency: 3 });
    const orchestrator = createOrchestrator({ services: { place: service } });
    const tasks = Array.from({ length: 9 }, (_, index) => ({
      task: `${index}`,
      service: 'place',
      // The first three overlap; the others find them warm.
      kwargs: { waitMs: index < 3 ? 100 : 0 },
    }));
    const results = await orchestrator.executeParallel(tasks);
    const places = results.map(({ result }) => {
      const { pid, threadId } = result as Whereabouts;
      return `${pid}.${threadId}`;
    });
    expect(new Set(places).size).toBe(3);
    expect(new Set(places.slice(0, 3)).size).toBe(3);
    await orchestrator.close();
  });

  it('close() lets the module close what it holds', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'gaffr-')), 'log');
    const service = open('withClose', { isolate });
    await attempt(service, {}, file);
    await service.close?.();
    expect(readFileSync(file, 'utf8')).toBe('closed');
  });

  it('close() ends what runs within 1 s, and a later attempt works again', async () => {
    const service = open('whereabouts', { isolate });
    const place = await whereabouts(service);
    const { ended } = begin(service, { kwargs: { waitMs: 60_000 } });
    expect(await timed(service.close?.() as Promise<void>)).toBeLessThan(1000);
    await expect(ended).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(await whereabouts(service)).toMatchObject({ calls: 1 });
    if (isolate === 'process') expect(membersOf(place.pid)).toEqual([]);
  });

  it.each(['await service.close();', ''])('lets the process exit after "%s"', async (ending) => {
    const script = `
      import { moduleService } from './src/services/module.ts';
      import { contextOf } from './test/services/service-context.ts';
      const service = moduleService({
        module: 'test/fixtures/modules/behaviours.mjs', export: 'whereabouts', isolate: '${isolate}',
      });
      const { pid } = await service.execute('x', contextOf());
      ${ending}
      console.log(pid);`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
    const { stdout } = await run(process.execPath, args, { timeout: 20_000 });
    expect(await eventually(() => membersOf(Number(stdout)).length === 0)).toBe(true);
  });
});

it('fault S14: after close() no process of a group is left, grandchildren that ignore SIGTERM included', async () => {
  const service = open('startsGrandchild', { isolate: 'process' });
  const { pid } = (await attempt(service, { kwargs: { next: 'answer' } })) as { pid: number };
  expect(membersOf(pid)).toHaveLength(2);
  await service.close?.();
  expect(membersOf(pid)).toEqual([]);
});

it('fault S12: a process that crashes takes the processes with it that it started', async () => {
  const service = open('startsGrandchild', { isolate: 'process' });
  const { pid } = (await attempt(service, { kwargs: { next: 'answer' } })) as { pid: number };
  await expect(attempt(service, { kwargs: { next: 'exit' } })).rejects.toMatchObject({ code: 'CRASHED' });
  expect(await eventually(() => membersOf(pid).length === 0)).toBe(true);
});

it('fault P3: when this process is killed, a module that never yields does not go on alone', async () => {
  const script = `
    import { moduleService } from './src/services/module.ts';
    import { contextOf } from './test/services/service-context.ts';
    const module = 'test/fixtures/modules/behaviours.mjs';
    const service = moduleService({ module, export: 'endlessAfterPid', isolate: 'process' });
    const progress = (_fraction, pid) => console.log(pid);
    await service.execute('x', contextOf({ progress }));`;
  const host = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pid = await new Promise<number>((resolve) => host.stdout.on('data', (text) => resolve(Number(text))));
  expect(membersOf(pid).length).toBeGreaterThan(0);
  host.kill('SIGKILL');
  expect(await eventually(() => membersOf(pid).length === 0)).toBe(true);
});
