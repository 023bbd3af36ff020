import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/exit-code.js';
import { type Flags, parseFlags } from '../../src/cli/flags.js';

const flags: Flags = {
  json: { type: 'boolean', help: '' },
  timeout: { type: 'string', value: 'SECONDS', help: '' },
  root: { type: 'string', multiple: true, help: '' },
};

describe('parseFlags()', () => {
  it('reads flags and positionals in any order', () => {
    const args = parseFlags(
      ['one', '--json', '--root', 'a', 'two', '--root=b', '--timeout', '1.5', '--', '-3 + 4'],
      flags,
    );
    expect(args.positionals).toEqual(['one', 'two', '-3 + 4']);
    expect(args.isSet('json')).toBe(true);
    expect(args.texts('root')).toEqual(['a', 'b']);
    expect(args.number('timeout', { above: 0 })).toBe(1.5);
    expect(parseFlags([], flags).texts('root')).toEqual([]);
    expect(parseFlags([], flags).number('timeout', { above: 0 })).toBeUndefined();
  });

  it.each([
    [['--jsn'], 'There is no flag --jsn. Did you mean --json?'],
    [['--tmeout=3'], 'There is no flag --tmeout. Did you mean --timeout?'],
    [['--colour'], 'There is no flag --colour. A task that begins with "-" goes after "--".'],
    [['-x'], 'There is no flag -x. A task that begins with "-" goes after "--".'],
  ])('refuses %j and names the nearest flag', (argv, message) => {
    expect(() => parseFlags(argv, flags)).toThrow(new UsageError(message));
  });

  it.each([[['--timeout']], [['--json=yes']], [['--root', '--json']]])('refuses %j', (argv) => {
    expect(() => parseFlags(argv, flags)).toThrow(UsageError);
  });

  it.each([
    ['0', { above: 0 }, '--timeout must be a number above 0, not "0".'],
    ['1.5', { least: 1, isWhole: true }, '--timeout must be a whole number at least 1, not "1.5".'],
    [
      '1e20',
      { least: 1, isWhole: true },
      '--timeout must be a whole number at least 1 and at most 9007199254740991, not "1e20".',
    ],
    ['2', { least: 0, most: 1 }, '--timeout must be a number at least 0 and at most 1, not "2".'],
    ['ten', { least: 0 }, '--timeout must be a number at least 0, not "ten".'],
    ['', { least: 0 }, '--timeout must be a number at least 0, not "".'],
    ['NaN', { least: 0 }, '--timeout must be a number at least 0, not "NaN".'],
    ['Infinity', { least: 0 }, '--timeout must be a number at least 0, not "Infinity".'],
  ])('refuses the number %s', (text, rule, message) => {
    expect(() => parseFlags([`--timeout=${text}`], flags).number('timeout', rule)).toThrow(
      new UsageError(message),
    );
  });
});
