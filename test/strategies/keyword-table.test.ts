import { describe, expect, it } from 'vitest';
import { KeywordStrategy } from '../../src/strategies/keyword-strategy.js';
import { BUILT_IN, textOf } from './support.js';

const rank = (task: string, available = BUILT_IN) => textOf(new KeywordStrategy().route(task, available));

describe('KeywordStrategy with the keywords of the built-in services', () => {
  it.each([
    ['Extract text from this PDF', 'vision 0.9375'],
    ['Extract PDF data', 'vision 0.9375'],
    ['Extract PDF', 'vision 0.9375'],
    ['Extract text from invoice.pdf', 'vision 0.9375'],
    ['Analyze this image', 'vision 0.9375'],
    ['Search the web for info', 'responses 0.9375'],
    ['Search web', 'responses 0.9375'],
    ['Search Google for latest news', 'responses 0.7500'],
    ['Design a multi-step solution for this problem', 'reasoning 0.7500'],
    ['Describe these images', 'vision 0.7128'],
    ['Planning a roadmap', 'reasoning 0.7128'],
    ['Searching for flights', 'responses 0.7128'],
    ['Please analyse these two images', 'vision 0.9175'],
    ['Automate clicking the button', 'responses 0.9175'],
    ['Solve this complex problem', 'reasoning 0.9844'],
    ['Ask a question', 'chat 0.9375'],
    ['Search the web for a photo', 'responses 0.6250, vision 0.2500'],
    ['What type of bird is in this photo?', 'vision 0.3750, responses 0.3750'],
    ['Plan a search', 'responses 0.3750, reasoning 0.3750'],
    ['image to analyze', 'vision 0.3750, reasoning 0.3750'],
    ['Search images', 'responses 0.3947, vision 0.3377'],
    ['Ｓｃｒｅｅｎｓｈｏｔ please', 'vision 0.7500'],
    ["What's in the picture's corner?", 'vision 0.7500'],
    // Constants of the scale: 2.7 for three inflected keywords, and half a keyword more than two.
    ['images, photos and pictures', 'vision 0.9763'],
    ['image photo screenshots', 'vision 0.9821'],
    // What it does not understand.
    ['Do not search the web, just talk', 'responses 0.6250, chat 0.2500'],
    ['a reasonable price', 'reasoning 0.7128'],
    ['medical imaging', 'vision 0.7128'],
    ['analyze image', 'vision 0.9375'],
    ['analyze one two three image', 'vision 0.9375'],
    ['analyze one two three four image', 'vision 0.3750, reasoning 0.3750'],
    ['What’s in the picture’s corner?', 'vision 0.7500'],
  ])('ranks "%s" as %s', (task, expected) => {
    expect(rank(task)).toBe(expected);
  });

  it.each(['Generate a summary', 'Explain how async works', 'Some task', '', '?!… 🙂', '   \n'])(
    'finds nothing in "%s"',
    (task) => {
      expect(rank(task)).toBe('');
    },
  );

  it.each([
    ['basket component', 'ask, computer'],
    ['explanation of monads', 'plan'],
    ['prototype', 'type'],
    ['plants', 'plan'],
    ['democracies', 'ocr'],
    ['login incident', 'logic'],
    ['treason laws', 'reason'],
    ['task masking', 'ask'],
  ])('finds no keyword inside the words of "%s" (%s)', (task) => {
    expect(rank(task)).toBe('');
  });

  it.each([
    ['この画像を説明して', '画像'],
    ['這張圖片裡有什麼', '圖片'],
    ['อธิบายรูปภาพนี้', 'รูปภาพ'],
    ['រូបភាពនេះជាអ្វី', 'រូបភាព'],
    ['ဒီဓာတ်ပုံကိုကြည့်ပါ', 'ဓာတ်ပုံ'],
  ])('finds in "%s" the keyword %s of a script without spaces', (task, keyword) => {
    const strategy = new KeywordStrategy();
    strategy.addKeyword('vision', keyword);
    expect(textOf(strategy.route(task, BUILT_IN))).toBe('vision 0.7500');
  });

  it('leaves the words of a phrase to other services when the service of the phrase is not available', () => {
    expect(rank('Analyze this image', ['chat', 'responses', 'reasoning'])).toBe('reasoning 0.7500');
  });

  it('takes the share among available services only', () => {
    expect(rank('Search the web for a photo', ['chat', 'vision'])).toBe('vision 0.7500');
  });
});
