import { describe, expect, it } from 'vitest';
import { createReasoningService } from '../../src/services/builtin/reasoning.js';
import { contextOf } from './service-context.js';

// Arguments need no worker, so there is nothing to close.
const service = createReasoningService();
const ask = async (task: string, kwargs = {}): Promise<unknown> =>
  service.execute(task, contextOf({ kwargs }));

describe('reasoning judges arguments by truth table', () => {
  it.each<[string, string]>([
    ['Logic: If it rains then the ground is wet. It rains. Therefore the ground is wet', 'follows'],
    ['If it rains, the ground is wet. It rains. So the ground is wet.', 'follows'],
    ['If it rains, then the ground is wet. It rains. Hence, the ground is wet.', 'follows'],
    ['If it rains then the ground is wet. The ground is not wet. Therefore not it rains', 'follows'],
    ['If p then q. q. Therefore p', 'does not follow'],
    ['If p then q. Not q. Therefore not p', 'follows'],
    ['If p then q. If q then r. Therefore if p then r', 'follows'],
    ['p or q. not p. Therefore q', 'follows'],
    ['p or q. p. Therefore not q', 'does not follow'],
    ['p and q. Therefore p', 'follows'],
    ['If p then not q. q. Therefore not p', 'follows'],
    ['p. not p. Therefore p', 'premises contradict'],
  ])('%s: %s', async (task, status) => {
    expect(await ask(task)).toMatchObject({ method: 'argument', status });
  });

  it('gives the valuation that shows why a conclusion does not follow', async () => {
    expect(await ask('If p then q. q. Therefore p')).toEqual({
      method: 'argument',
      formal: 'p → q; q ⊢ p',
      status: 'does not follow',
      result: { follows: false, counterexample: { p: false, q: true } },
    });
  });

  it('takes premises and conclusion from kwargs and then does not read the text', async () => {
    const kwargs = { premises: ['If A then B', 'A'], conclusion: 'B', dependencies: { other: 1 } };
    expect(await ask('whatever was said', kwargs)).toMatchObject({ status: 'follows' });
  });

  it('decides 16 statements', async () => {
    const letters = [...'abcdefghijklmnop'];
    const chain = letters.slice(1).map((letter, index) => `If ${letters[index]} then ${letter}`);
    expect(await ask(`${chain.join('. ')}. Therefore if a then p`)).toMatchObject({ status: 'follows' });
    await expect(ask(`${chain.join('. ')}. If p then q. Therefore if a then q`)).rejects.toMatchObject({
      code: 'NOT_FORMAL',
    });
  });

  it.each([
    "The butler or the cook did it. The butler didn't do it. Therefore the cook did it",
    'The butler or the cook did it. The butler did not do it. Therefore the cook did it',
    'If it rains then the ground is wet. It is raining. Therefore the ground is wet',
    'Tom and Ann are friends. Therefore Ann is friends',
    'Either A or B. A. Therefore not B',
    'p or q and r. p. Therefore r',
    'p implies q implies r. p. Therefore r',
    'All men are mortal. Socrates is a man. Therefore Socrates is mortal',
    'Some cats are black. Some cats are black. Therefore some cats are black',
    'Unless it rains the ground is dry. It rains. Therefore the ground is dry',
    'The ground is wet only if it rains. The ground is wet. Therefore it rains',
    'The ground is wet if it rains. It rains. Therefore the ground is wet',
    'q if p. p. Therefore q',
    'If it rains then the ground may be wet. It rains. Therefore the ground may be wet',
    'Not p or q. p. Therefore q',
    'If p then q then r. p. Therefore r',
    'Logic: it rains',
    'Logic: if it rains then the ground is wet',
    'Therefore p',
    'Rain. If rain then mud. Therefore mud',
  ])('refuses: %s', async (task) => {
    await expect(ask(task)).rejects.toMatchObject({ code: 'NOT_FORMAL', retryable: false });
  });

  it('names the statement that occurs only once', async () => {
    const task = 'If it rains then the ground is wet. It is raining. Therefore the ground is wet';
    await expect(ask(task)).rejects.toMatchObject({ facts: { words: ['it rains', 'it is raining'] } });
  });
});
