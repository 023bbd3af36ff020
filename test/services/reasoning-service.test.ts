import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Service } from '../../src/core/service.js';
import type { ReasoningOptions } from '../../src/services/builtin/reasoning.js';
import { createReasoningService } from '../../src/services/builtin/reasoning.js';
import { answerJob } from '../../src/services/builtin/reasoning-jobs.js';
import { importOptional } from '../../src/services/optional-package.js';
import { contextOf } from './service-context.js';

/** A product of a thousand million factors. */
const ENDLESS = '(10^9)!';

/** For the tests that are not about a worker's life: a worker takes a second to start. */
const shared = createReasoningService();
afterAll(() => shared.close?.());

const opened: Service[] = [];
const open = (options?: ReasoningOptions): Service => {
  const service = createReasoningService(options);
  opened.push(service);
  return service;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map((service) => service.close?.()));
});

const ask = async (service: Service, task: string, fields = {}): Promise<unknown> =>
  service.execute(task, contextOf(fields));

describe('createReasoningService()', () => {
  it('describes itself for the router and sets no keywords', () => {
    const service = open();
    expect(service.examples?.length).toBeGreaterThanOrEqual(6);
    expect(service).toMatchObject({ idempotent: true, description: expect.any(String) });
    expect(service.keywords).toBeUndefined();
  });

  it('answers every example of its own', async () => {
    for (const example of shared.examples ?? []) {
      expect(await ask(shared, example)).toMatchObject({ formal: expect.any(String) });
    }
  });

  it('answers with data that survives JSON and structuredClone', async () => {
    const answer = await ask(shared, '2^64');
    expect(JSON.parse(JSON.stringify(structuredClone(answer)))).toEqual(answer);
  });

  it('refuses unknown options, naming them', () => {
    expect(() => createReasoningService({ memory: 1 } as ReasoningOptions)).toThrow(/"memory"/);
  });

  it.each([{ premises: ['p'] }, { conclusion: 'p' }, { premises: 'p', conclusion: 'p' }, { smtlib: 7 }])(
    'refuses the kwargs %j',
    async (kwargs) => {
      await expect(ask(shared, '2 + 2', { kwargs })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    },
  );

  it('runs two computations at once, each in a worker of its own', async () => {
    const service = open();
    const giveUp = new AbortController();
    const endless = ask(service, ENDLESS, { signal: giveUp.signal });
    endless.catch(() => {});
    expect(await ask(service, '2 + 2')).toMatchObject({ result: 4 });
    giveUp.abort(new Error('enough'));
    await expect(endless).rejects.toThrow('enough');
  });
});

describe('reasoning with kwargs.smtlib', () => {
  it.each<[string, string, unknown]>([
    [
      '(declare-const x Int)(declare-fun b () Bool)(assert (and b (= (* 2 x) 14)))(check-sat)(get-model)',
      'sat',
      { x: 7, b: true },
    ],
    ['(declare-const x Real)(assert (= (* 3 x) 1))', 'sat', { x: '1/3' }],
    ['(declare-const s String)(assert (= s "abc"))', 'sat', { s: '"abc"' }],
    ['(declare-const x Int)(assert (< x x))', 'unsat', null],
  ])('%s', async (smtlib, status, result) => {
    const answer = await ask(shared, 'check this', { kwargs: { smtlib } });
    expect(answer).toMatchObject({ method: 'smtlib', status, result });
  });

  it("keeps the solver's time limit and answers unknown", async () => {
    const smtlib = `(declare-const x Int)(declare-const y Int)(declare-const z Int)
      (assert (and (> x 0) (> y 0) (> z 0)))(assert (= (+ (* x x x) (* y y y)) (* z z z)))`;
    const service = open({ solverSeconds: 0.04 });
    expect(await ask(service, '', { kwargs: { smtlib } })).toMatchObject({ status: 'unknown', result: null });
  });

  it('says what is wrong with a text that z3 cannot read, and the worker lives on', async () => {
    const broken = ask(shared, '', { kwargs: { smtlib: '(assert (= x' } });
    await expect(broken).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { reason: 'smtlib' } });
    expect(await ask(shared, '2 + 2')).toMatchObject({ result: 4 });
  });
});

describe('reasoning gives up cleanly', () => {
  it('promise C6: an abort in the middle of endless work ends at once, and the next task is answered', async () => {
    const service = open({ concurrency: 1 });
    await ask(service, '1 + 1');
    const giveUp = new AbortController();
    const endless = ask(service, ENDLESS, { signal: giveUp.signal });
    setTimeout(() => giveUp.abort(new Error('cancelled by a test')), 20);
    const startedAt = performance.now();
    await expect(endless).rejects.toThrow('cancelled by a test');
    expect(performance.now() - startedAt).toBeLessThan(500);
    expect(await ask(service, '2 + 2')).toMatchObject({ result: 4 });
  });

  it('starts nothing under a signal that is already aborted', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(ask(open(), '2 + 2', { signal })).rejects.toThrow('too late');
  });

  it('fault S21: a computation beyond timeLimitSeconds fails and is not retryable', async () => {
    await expect(ask(open({ timeLimitSeconds: 0.04 }), ENDLESS)).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      retryable: false,
      facts: { reason: 'out of time' },
    });
  });

  it('fault S21: a worker out of memory is an error of the task, not of the process', async () => {
    await expect(ask(open({ memoryMb: 8 }), '2 + 2')).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      retryable: false,
      facts: { reason: 'out of memory', memoryMb: 8 },
    });
  });

  it('close() ends what runs', async () => {
    const service = open();
    const endless = ask(service, ENDLESS);
    endless.catch(() => {});
    await service.close?.();
    await expect(endless).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  it('answers MISSING_PACKAGE with the install command when z3-solver is not installed', async () => {
    const absent = 'z3-solver-that-is-not-there';
    const openSolver = () => importOptional('z3-solver', () => import(absent));
    const job = { kind: 'puzzle', equation: 'AB + BA = CC' } as const;
    await expect(answerJob(job, openSolver)).rejects.toMatchObject({
      code: 'MISSING_PACKAGE',
      message: expect.stringContaining('npm install z3-solver'),
    });
  });

  it.each(['await service.close();', ''])('lets the process exit after "%s"', async (ending) => {
    const script = `
      import { createReasoningService } from './src/services/builtin/reasoning.ts';
      const service = createReasoningService();
      const context = { kwargs: {}, signal: new AbortController().signal };
      const { status } = await service.execute('AB + BA = CC', context);
      ${ending}
      console.log(status);`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', script],
      { timeout: 20_000 },
    );
    expect(stdout.trim()).toBe('not unique');
  });
});
