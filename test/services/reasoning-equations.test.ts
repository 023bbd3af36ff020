import { afterAll, describe, expect, it } from 'vitest';
import { createReasoningService } from '../../src/services/builtin/reasoning.js';
import { contextOf } from './service-context.js';

// Far beyond what is needed, so that a busy machine decides the same.
const service = createReasoningService({ solverSeconds: 20, timeLimitSeconds: 25 });
afterAll(() => service.close?.());

const ask = async (task: string): Promise<unknown> => service.execute(task, contextOf());
const root = (value: number) => expect.closeTo(value, 12);

describe('reasoning solves equations', () => {
  it.each<[string, string, unknown]>([
    ['x + y = 35 and 2x + 4y = 94', 'unique', { x: 23, y: 12 }],
    ['Solve x + y = 35 and 2x + 4y = 94', 'unique', { x: 23, y: 12 }],
    ['Solve the system of equations: x + y = 35; 2x + 4y = 94.', 'unique', { x: 23, y: 12 }],
    ['Solve 2x + 3 = 7 for x', 'unique', { x: 2 }],
    ['Solve for x: 2x + 3 = 7', 'unique', { x: 2 }],
    ['Find x: 2x + 3 = 7', 'unique', { x: 2 }],
    ['3x = 1', 'unique', { x: '1/3' }],
    ['0.1 + 0.2 = x', 'unique', { x: 0.3 }],
    ['x = 2^64 * 1', 'not formal', null],
    ['x = 9007199254740993', 'unique', { x: '9007199254740993' }],
    ['x^2 = 2', 'all 2', [{ x: root(-Math.SQRT2) }, { x: root(Math.SQRT2) }]],
    ['x^2 + y^2 = 25, x - y = 1', 'all 2', expect.arrayContaining([{ x: 4, y: 3 }])],
    ['x^3 - 6x^2 + 11x - 6 = 0', 'all 3', expect.arrayContaining([{ x: 1 }, { x: 2 }, { x: 3 }])],
    ['(x + 1)^8 = 0', 'unique', { x: -1 }],
    ['x^2 = 4 and x > 0', 'unique', { x: 2 }],
    ['x + 1 = x', 'none', null],
    ['1/x = 0', 'none', null],
    ['x > 3 and x < 2', 'none', null],
    ['x/x = 1', 'not unique', null],
    ['x + y = 10', 'not unique', null],
    ['x = x', 'not unique', null],
    ['3 < x, x < 5', 'not unique', null],
  ])('%s: %s', async (task, status, result) => {
    const answer = ask(task);
    if (status === 'not formal') return expect(answer).rejects.toMatchObject({ code: 'NOT_FORMAL' });
    return expect(answer).resolves.toMatchObject({ method: 'equations', status, result });
  });

  it('shows how the equations were understood', async () => {
    expect(await ask('2x + 4y = 94 and x = y')).toMatchObject({ formal: '2 * x + 4 * y = 94, x = y' });
  });

  it.each([
    'Is 2+2=5?',
    '2 + 2 = 5',
    'e + i = 3',
    'xy = 12',
    'Solve x + y = 3 for x',
    'Solve x = 3 for y',
    'sin(x) = 0',
    'x(x + 1) = 0',
    'x^9 = 1',
    'x^0.5 = 2',
    'x! = 6',
    '1/2x = 3',
    'x = y = 3',
    'x == 3',
    'x =',
    'x = 2024-12-25',
    'Tom has x = 3 apples',
  ])('refuses %s', async (task) => {
    await expect(ask(task)).rejects.toMatchObject({ code: 'NOT_FORMAL' });
  });
});

describe('reasoning solves letter puzzles', () => {
  it.each([
    'SEND + MORE = MONEY',
    'Solve this puzzle: SEND + MORE = MONEY',
    'solve the cryptarithm SEND+MORE=MONEY',
  ])('%s', async (task) => {
    expect(await ask(task)).toMatchObject({
      method: 'puzzle',
      status: 'unique',
      result: { S: 9, E: 5, N: 6, D: 7, M: 1, O: 0, R: 8, Y: 2 },
    });
  });

  it('lists no samples of a puzzle with many solutions', async () => {
    expect(await ask('AB + BA = CC')).toMatchObject({ status: 'not unique', result: null });
  });

  it('multiplies and subtracts', async () => {
    expect(await ask('A * BB = CCC')).toMatchObject({ method: 'puzzle', status: 'none' });
    expect(await ask('A * AB = CAA')).toMatchObject({ method: 'puzzle', formal: expect.any(String) });
    // B is 0 and A any other digit: nine solutions are still listed.
    expect(await ask('AA - A = AB')).toMatchObject({ method: 'puzzle', status: 'all 9' });
  });

  it('refuses more letters than digits', async () => {
    await expect(ask('ABCDEF + GHIJK = LMNOP')).rejects.toMatchObject({ code: 'NOT_FORMAL' });
  });
});
