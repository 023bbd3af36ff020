import { afterAll, describe, expect, it } from 'vitest';
import { createReasoningService } from '../../src/services/builtin/reasoning.js';
import { contextOf } from './service-context.js';

const service = createReasoningService();
afterAll(() => service.close?.());

const ask = async (task: string): Promise<unknown> => service.execute(task, contextOf());

describe('reasoning works out arithmetic exactly', () => {
  it.each<[string, number | string]>([
    ['5!', 120],
    ['Calculate 5!', 120],
    ['What is 5!?', 120],
    ['2^64', '18446744073709551616'],
    ['Compute 2^64', '18446744073709551616'],
    ['9007199254740992 + 1', '9007199254740993'],
    ['0.1 + 0.2', 0.3],
    ['12% of 80', 9.6],
    ['What is 12% of 80?', 9.6],
    ['how much is 12 percent of 80', 9.6],
    ['12.5% of (3 + 5)', 1],
    ['1/3 * 3', 1],
    ['(1/3 + 1/6) * 2', 1],
    ['10^400 + 1 - 10^400', 1],
    ['-2^2', -4],
    ['2^-3', 0.125],
    ['-5 mod 3', 1],
    ['sqrt(16) * 3 + 5!', 132],
    ['sqrt(1/4)', 0.5],
    ['max(1,200)', 200],
    ['sum([1, 2, 3])', 6],
    ['gcd(12, 18)', 6],
    ['combinations(50, 5)', 2118760],
    ['What is 5 plus 3 times 2?', 11],
    ['Please calculate 10 divided by 4', 2.5],
    ['What is 7 squared?', 49],
    ['2 × 3 − 1', 5],
    ['(1 + 2)(3)(2) * 1', 18],
  ])('%s is exactly %s', async (task, result) => {
    expect(await ask(task)).toMatchObject({ method: 'arithmetic', status: 'exact', result });
  });

  it('shows all 158 digits of 100!', async () => {
    const { result } = (await ask('100!')) as { result: string };
    expect(result).toHaveLength(158);
    expect(result).toMatch(/^9332621544394415268169923885626670049071596826438162/);
  });

  it.each<[string, number | string]>([
    ['1/3', 0.3333333333333333],
    ['2^0.5', Math.SQRT2],
    ['sqrt(2)^2 - 2', 0],
    ['sin(pi)', 0],
    ['ln(ln(e^e))', 1],
    ['log(100, 10)', 2],
    ['det([[1, 2], [3, 4]])', -2],
    ['e^-1000', '5.0759588975494567653e-435'],
  ])('%s is rounded to %s, and says so', async (task, result) => {
    expect(await ask(task)).toMatchObject({ method: 'arithmetic', status: 'rounded', result });
  });

  it('says that an angle without a unit is in radians', async () => {
    expect(await ask('sin(30)')).toMatchObject({
      formal: 'sin(30) (angles in radians)',
      result: -0.9880316240928618,
    });
    expect(await ask('sin(30 deg)')).toMatchObject({ formal: 'sin(30 * deg)', result: 0.5 });
  });

  it.each<[string, number, string, string]>([
    ['5 miles to km', 8.04672, 'km', 'exact'],
    ['Convert 5 miles to km', 8.04672, 'km', 'exact'],
    ['convert 5 miles into km', 8.04672, 'km', 'exact'],
    ['How many minutes are in 3 days?', 4320, 'minutes', 'exact'],
    ['10 degF to degC', -12.222222222222221, 'degC', 'rounded'],
    ['90 km/hour to m/s', 25, 'm / s', 'exact'],
    ['12% of 80 km', 9.6, 'km', 'exact'],
    ['2 km + 300 m', 2.3, 'km', 'exact'],
  ])('%s is %d %s', async (task, value, unit, status) => {
    expect(await ask(task)).toMatchObject({ method: 'units', status, result: { value, unit } });
  });
});

describe('reasoning refuses what is not plain arithmetic', () => {
  it.each([
    // Dates, times, numbers in groups.
    '2024-12-25 minus 2024-11-01',
    '3/4/2025',
    '12:30 - 11:15',
    '555-1234',
    '1,000 + 2',
    // Nothing to work out.
    '5 and 6',
    '"a1"',
    '2024',
    '7 days',
    'pi',
    // Not in the list of functions.
    'typeOf(3)',
    'random(10)',
    'config({}) + 1',
    'import({a: 1}) + 1',
    'evaluate("1+1") + 1',
    'parse("1+1") + 1',
    'createUnit("foo") + 1',
    'a = 3; a + 1',
    '[1,2,3][1] + 1',
    '1:10',
    'f(x) + 1',
    '1 + 1 # comment',
    // No finite real value.
    '1/0',
    '0/0',
    '5 mod 0',
    '0^0',
    'sqrt(-4)',
    '3 km + 2 s',
    // More than one reading.
    'log(100)',
    '8/2(2+2)',
    '1/2 pi * 1',
    '5!!',
    '10% + 5%',
    '12% of 80 + 5',
    '10 % 3',
    'sqrt(2) + 10^400 - 10^400',
    // Words.
    'Design a multi-step solution for this problem',
    'plan my week',
    'Explain 3 reasons why the sky is blue',
    '5 miles to banana',
    '',
    'what is',
  ])('%s', async (task) => {
    await expect(ask(task)).rejects.toMatchObject({ code: 'NOT_FORMAL', retryable: false });
  });

  it('names the words and what is accepted', async () => {
    await expect(ask('Explain 3 reasons')).rejects.toMatchObject({
      message: expect.stringMatching(/"Explain", "reasons".*accepted are arithmetic/),
      facts: { words: ['Explain', 'reasons'], accepted: expect.arrayContaining([expect.any(String)]) },
    });
  });
});
