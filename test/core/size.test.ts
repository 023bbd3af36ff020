import { describe, expect, it } from 'vitest';
import { isLargerThan, sizeUpTo } from '../../src/core/size.js';

describe('the size of a value', () => {
  it.each([3e7, 2 ** 32 - 1])('of an array of %d holes is known without a look at them', (length) => {
    expect(isLargerThan(new Array(length), 16 * 1024 * 1024)).toBe(true);
    expect(isLargerThan({ deep: [new Array(length)] }, 16 * 1024 * 1024)).toBe(true);
  });

  it.each(['length', Symbol.iterator])('of an array whose %s cannot be read is next to nothing', (field) => {
    const get = (target: object, name: string | symbol): unknown => {
      if (name === field) throw new Error('no');
      return Reflect.get(target, name);
    };
    expect(sizeUpTo([new Proxy([1, 2], { get }), 'ab'], 1000)).toBe(2 + 2 + 2);
  });

  it('is that of all its parts', () => {
    expect(sizeUpTo(['ab', 1, [true]], 1000)).toBe(2 + 2 + 8 + 2 + 8);
    expect(isLargerThan(['ab', 1, [true]], 22)).toBe(false);
  });
});
