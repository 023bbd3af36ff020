import { afterAll, expect, it } from 'vitest';
import { createReasoningService } from '../../src/services/builtin/reasoning.js';
import { contextOf } from './service-context.js';

const service = createReasoningService();
afterAll(() => service.close?.());

const ask = async (task: string, kwargs: Record<string, unknown> = {}): Promise<unknown> =>
  service.execute(task, contextOf({ kwargs }));

/** Each has two readings, none, or one that a loose grammar misses: the only right answer is none. */
const REFUSED = [
  "The butler or the cook did it. The butler didn't do it. Therefore the cook did it",
  'If it rains then the ground is wet. It is raining. Therefore the ground is wet',
  'Tom and Ann are friends. Therefore Ann is friends',
  'Either A or B. A. Therefore not B',
  'p or q and r. p. Therefore r',
  'p implies q implies r. p. Therefore r',
  'All men are mortal. Socrates is a man. Therefore Socrates is mortal',
  'Some A is B. A. Therefore B',
  'Unless p then q. not p. Therefore q',
  'p only if q. p. Therefore q',
  'p if q. q. Therefore p',
  '2024-12-25 minus 2024-11-01',
  '3/4/2025',
  '12:30 - 11:15',
  '555-1234',
  '5 and 6',
  '"a1"',
  '2024',
  '7 days',
  'typeOf(3)',
  'random(10)',
  '1/0',
  '0/0',
  'sqrt(-4)',
  'log(100)',
  '8/2(2+2)',
  '10% + 5%',
  'Is 2+2=5?',
  'e + i = 3',
  'Design a multi-step solution for this problem',
  'plan my week',
];

it.each(REFUSED)('refuses rather than guesses: %s', async (task) => {
  await expect(ask(task)).rejects.toMatchObject({
    code: 'NOT_FORMAL',
    retryable: false,
    message: expect.stringContaining('Nothing is guessed'),
  });
});

const near = (value: number): unknown => expect.closeTo(value, 8);

it.each<[string, string, unknown]>([
  ['5!', 'exact', 120],
  ['2^64', 'exact', '18446744073709551616'],
  ['9007199254740992 + 1', 'exact', '9007199254740993'],
  ['0.1 + 0.2', 'exact', 0.3],
  ['12% of 80', 'exact', 9.6],
  ['5 miles to km', 'exact', { value: 8.04672, unit: 'km' }],
  ['10 degF to degC', 'rounded', { value: near(-12.22222222), unit: 'degC' }],
  ['sin(30)', 'rounded', near(-0.98803162)],
  ['x + y = 35 and 2x + 4y = 94', 'unique', { x: 23, y: 12 }],
  ['x^2 = 2', 'all 2', [{ x: near(-Math.SQRT2) }, { x: near(Math.SQRT2) }]],
  ['SEND + MORE = MONEY', 'unique', { S: 9, E: 5, N: 6, D: 7, M: 1, O: 0, R: 8, Y: 2 }],
  ['AB + BA = CC', 'not unique', null],
  ['x + 1 = x', 'none', null],
  ['1/x = 0', 'none', null],
  ['x/x = 1', 'not unique', null],
  ['x + y = 10', 'not unique', null],
  ['x = x', 'not unique', null],
  [
    'If p then q. q. Therefore p',
    'does not follow',
    { follows: false, counterexample: { p: false, q: true } },
  ],
  ['p. not p. Therefore p', 'premises contradict', { follows: null, counterexample: null }],
  ['Logic: if p then q. p. Therefore q', 'follows', { follows: true, counterexample: null }],
  ['Premises: if p then q; p. Conclusion: q', 'follows', { follows: true, counterexample: null }],
  ['Premise 1: p or q. Premise 2: not p. Conclusion: q', 'follows', { follows: true, counterexample: null }],
])('answers, and says what it understood: %s is %s', async (task, status, result) => {
  expect(await ask(task)).toMatchObject({ status, result, formal: expect.stringMatching(/\S/) });
});

it.each([
  [{ premises: ['if p then q', 'p'], conclusion: 'q' }, 'follows'],
  [{ smtlib: '(declare-const x Int)(assert (> x 3))(assert (< x 5))' }, 'sat'],
])('says what it understood of kwargs: %j is %s', async (kwargs, status) => {
  expect(await ask('whatever', kwargs)).toMatchObject({ status, formal: expect.stringMatching(/\S/) });
});

it.each(['ones(20000, 20000)', '(lambda x: x)(5) + 1', '9^9^9^9', 'combinations(10^9, 5 * 10^8) + 1'])(
  'ends a runaway within its time, alive: %s',
  async (task) => {
    const short = createReasoningService({ timeLimitSeconds: 8, concurrency: 1 });
    const startedMs = performance.now();
    await expect(short.execute(task, contextOf())).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:NOT_FORMAL|SERVICE_FAILED)$/),
      retryable: false,
    });
    expect(performance.now() - startedMs).toBeLessThan(12_000);
    expect(await short.execute('2 + 2', contextOf())).toMatchObject({ result: 4 });
    await short.close?.();
  },
);
