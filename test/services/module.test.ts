import { describe, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/index.js';
import { type ModuleServiceOptions, moduleService } from '../../src/services/module.js';
import { attempt, behaviours, open } from './isolation-support.js';

const everywhere = ['none', 'thread', 'process'] as const;
const broken = new URL('../fixtures/modules/broken.mjs', import.meta.url);

describe.each(everywhere)('moduleService() with isolate: %j', (isolate) => {
  it('runs a function that is the default export', async () => {
    const service = moduleService({ module: behaviours, isolate });
    expect(await attempt(service, { kwargs: { page: 1 } }, 'read')).toEqual({
      task: 'read',
      kwargs: { page: 1 },
    });
    await service.close?.();
  });

  it('hands over everything that the context holds', async () => {
    const fields = {
      attempt: 2,
      taskId: 't7',
      deadline: 12.5,
      idempotencyKey: 'k',
      kwargs: { at: new Date(0), map: new Map([[1, 2n]]) },
    };
    expect(await attempt(open('context', { isolate }), fields)).toEqual(fields);
  });

  it('passes progress and log lines on', async () => {
    const said: unknown[] = [];
    const line = (facts: object, message: string): void => void said.push([message, Object.keys(facts)]);
    const log = { debug: line, info: line, warn: line, error: line };
    const progress = (fraction: number, message?: string): void => void said.push([fraction, message]);
    expect(await attempt(open('reports', { isolate }), { progress, log })).toBe('done');
    expect(said).toEqual([
      [0.5, 'half'],
      [1, undefined],
      ['read', ['rows']],
      ['facts that cannot be copied', isolate === 'none' ? ['format'] : []],
    ]);
  });

  it('tells what can be told of odd progress, and goes on', async () => {
    const orchestrator = createOrchestrator({ services: { odd: open('oddReports', { isolate }) } });
    const said: unknown[] = [];
    const onProgress = (...each: readonly unknown[]): void => void said.push(each);
    expect(await orchestrator.execute('x', { service: 'odd', onProgress })).toMatchObject({ result: 'done' });
    expect(said).toEqual([
      [1, 'odd'],
      [1, undefined],
    ]);
    await orchestrator.close();
  });

  it('collects what a generator yields and tells texts as progress', async () => {
    const said: unknown[] = [];
    const progress = (_fraction: number, message?: string): void => void said.push(message);
    expect(await attempt(open('items', { isolate }), { progress })).toEqual(['one', 'two']);
    expect(said).toEqual(['one', 'two']);
  });

  it('returns rich data as it is', async () => {
    expect(await attempt(open('richData', { isolate }))).toEqual({
      big: 2n ** 70n,
      map: new Map([['a', new Date(0)]]),
      bytes: new Uint8Array([1, 2]),
    });
  });

  it('keeps code, data and retryability of what was thrown', async () => {
    const orchestrator = createOrchestrator({ services: { coded: open('throwsCoded', { isolate }) } });
    expect(await orchestrator.execute('x', { service: 'coded' })).toMatchObject({
      error: 'name a file',
      errorCode: 'NEEDS_INPUT',
      errorDetails: { accepted: ['pdf'] },
      attempts: 1,
    });
    await orchestrator.close();
  });

  it('promise C6: hands the abort on, and ends at once when the code heeds it', async () => {
    const service = open('cooperative', { isolate });
    const controller = new AbortController();
    const work = attempt(service, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 30);
    await expect(work).rejects.toThrow('enough');
  });

  it('starts nothing under a signal that is already aborted', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(attempt(open('default', { isolate }), { signal })).rejects.toThrow('too late');
  });

  it.each([
    [new URL('absent.mjs', behaviours), 'default', /absent\.mjs.*could not be loaded/],
    [broken, 'default', /broken\.mjs.*broken on purpose/],
    [behaviours, 'nowhere', /"nowhere".*behaviours\.mjs.*the module exports .*endless/],
    [behaviours, 'notAService', /"notAService".*neither a function nor an object/],
  ])('says what is wrong with %s, export %s', async (module, name, message) => {
    const service = moduleService({ module, export: name, isolate });
    await expect(attempt(service)).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      retryable: false,
      message: expect.stringMatching(message),
      facts: { export: name },
    });
    await service.close?.();
  });

  it('fault S8: what an attempt changes in its kwargs, neither the caller nor the next attempt sees', async () => {
    const orchestrator = createOrchestrator({ services: { list: open('mutates', { isolate }) } });
    const kwargs = { list: ['original'] };
    for (let round = 0; round < 2; round += 1) {
      expect(await orchestrator.execute('x', { service: 'list', kwargs })).toMatchObject({ result: 2 });
    }
    expect(kwargs).toEqual({ list: ['original'] });
    await orchestrator.close();
  });

  it('fault S2: whatever is thrown becomes one failed result', async () => {
    const services = {
      text: open('throwsText', { isolate }),
      unreadable: open('throwsUnreadable', { isolate }),
    };
    const orchestrator = createOrchestrator({ services, config: { taskConfig: { retryOnFailure: false } } });
    expect(await orchestrator.execute('x', { service: 'text' })).toMatchObject({
      errorCode: 'SERVICE_FAILED',
      error: expect.stringContaining('plain text'),
    });
    expect(await orchestrator.execute('x', { service: 'unreadable' })).toMatchObject({
      errorCode: 'SERVICE_FAILED',
    });
    await orchestrator.close();
  });
});

describe('moduleService()', () => {
  it('takes a path from the working directory', async () => {
    const service = moduleService({ module: 'test/fixtures/modules/behaviours.mjs' });
    expect(await attempt(service, {}, 'x')).toMatchObject({ task: 'x' });
  });

  it.each(['none', 'thread'] as const)('takes a data: URL, isolate: %j', async (isolate) => {
    const service = moduleService({ module: 'data:text/javascript,export default (task) => task', isolate });
    expect(await attempt(service, {}, 'x')).toBe('x');
    await service.close?.();
  });

  it('keeps the fields of a service for the router', () => {
    const fields = { description: 'reads', keywords: ['read'], concurrency: 2, idempotent: true };
    expect(moduleService({ module: behaviours, ...fields })).toMatchObject(fields);
  });

  it.each<[object, RegExp]>([
    [{ module: behaviours, isolated: 'thread' }, /"isolated"/],
    [{ module: behaviours, isolate: 'worker' }, /isolate/],
    [{ module: '' }, /module/],
    [{ module: new URL('https://example.org/x.js') }, /https:/],
    [{ module: behaviours, env: { A: 'b' } }, /"env" has no effect with isolate: "none"/],
    [{ module: behaviours, isolate: 'thread', execPath: '/usr/bin/node' }, /"execPath".*"process"/],
  ])('refuses %j', (options, message) => {
    expect(() => moduleService(options as ModuleServiceOptions)).toThrow(message);
    expect(() => moduleService(options as ModuleServiceOptions)).toThrow(TypeError);
  });
});
