import { expect, it } from 'vitest';
import type { ServiceContext } from '../../src/index.js';
import { simulated } from '../support/simulation.js';

/** What the caller is told when a service reports this. */
async function told(...report: readonly unknown[]): Promise<unknown[]> {
  const heard: unknown[] = [];
  const { orchestrator } = simulated({
    services: {
      only: (_task, { progress }: ServiceContext) => Reflect.apply(progress, undefined, report),
    },
  });
  const result = await orchestrator.execute('work', { onProgress: (...each) => heard.push(each) });
  expect(result).toMatchObject({ status: 'completed', result: undefined });
  return heard;
}

it.each([
  ['a fraction', [0.5, 'half'], [0.5, 'half']],
  ['none of the way', [0], [0, undefined]],
  ['more than the whole way, as the whole', [7, 'done'], [1, 'done']],
  ['an endless fraction, as the whole', [Number.POSITIVE_INFINITY], [1, undefined]],
  ['a message that is no text, without it', [0.5, 1n], [0.5, undefined]],
  ['a message that cannot become text, without it', [0.5, Object.create(null)], [0.5, undefined]],
])('context.progress() tells %s', async (_, report, expected) => {
  expect(await told(...report)).toEqual([expected]);
});

it.each([
  ['NaN', Number.NaN],
  ['a negative number', -0.1],
  ['a bigint', 1n],
  ['a text', '0.5'],
  ['a symbol', Symbol('half')],
  ['nothing', undefined],
])('context.progress() does not tell a fraction that is %s', async (_, fraction) => {
  expect(await told(fraction, 'half')).toEqual([]);
});
