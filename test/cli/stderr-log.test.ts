import { afterEach, describe, expect, it, vi } from 'vitest';
import { prettyLine } from '../../src/cli/pretty-log.js';
import { logLevelOf, stderrLog } from '../../src/cli/stderr-log.js';
import { boundLog } from '../../src/core/bound-log.js';
import type { Log } from '../../src/core/environment.js';

const written: string[] = [];
const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
  written.push(String(text));
  return true;
});
afterEach(() => void written.splice(0));

const lines = () => written.map((line) => JSON.parse(line));
// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are what is looked for.
const plain = (text: string) => text.replace(/\u001b\[\d+m/g, '');

describe('stderrLog()', () => {
  it('writes one JSON line per fact from its level on', () => {
    const log = stderrLog('warn');
    log.info({ taskId: 't' }, 'not this');
    log.warn({ taskId: 't', service: 's', attempt: 1, durationMs: 5 }, 'this');
    expect(lines()).toMatchObject([
      { level: 40, msg: 'this', taskId: 't', service: 's', attempt: 1, durationMs: 5 },
    ]);
    expect(write).toHaveBeenCalled();
  });

  it('writes causes as errors, whatever they are', () => {
    const log = stderrLog('warn');
    log.warn({ cause: new Error('why', { cause: new TypeError('deeper') }) }, 'a');
    log.warn({ cause: 'a text' }, 'b');
    const circular: Record<string, unknown> = { big: 1n };
    circular.self = circular;
    log.warn({ cause: circular }, 'c');
    expect(lines()[0].cause).toMatchObject({
      type: 'Error',
      message: expect.stringContaining('why'),
      stack: expect.stringContaining('deeper'),
    });
    expect(lines()[1].cause).toBe('a text');
    expect(lines()[2].msg).toBe('c');
  });

  it('hides fields that hold secrets by their name', () => {
    const log = stderrLog('warn');
    log.warn(
      {
        token: 'SECRET',
        headers: { authorization: 'SECRET', cookie: 'SECRET' },
        options: { apiKey: 'SECRET', password: 'SECRET' },
      },
      'a',
    );
    expect(written.join('')).not.toContain('SECRET');
    expect(lines()[0].headers.authorization).toBe('[redacted]');
  });

  it.each([
    [['serve', '--log-level', 'debug'], 'debug'],
    [['serve', '--log-level=error'], 'error'],
    [['serve', '--log-level=loud'], 'info'],
    [['serve', '--log-level=toString'], 'info'],
    [['run', 'tell me about --log-level debug'], 'info'],
    [['serve', '--log-level'], 'info'],
    [[], 'info'],
  ])('reads its level from %j', (argv, level) => {
    expect(logLevelOf(argv, 'info')).toBe(level);
  });
});

describe('boundLog()', () => {
  it('says on each line which task, service and attempt it belongs to, and a line cannot say otherwise', () => {
    const said: unknown[] = [];
    const log: Log = { debug: () => {}, info: (...line) => said.push(line), warn: () => {}, error: () => {} };
    const child = boundLog(log, { taskId: 't', service: 's', attempt: 2 });
    child.info({ page: 3, taskId: 'another' }, 'read a page');
    (child.info as unknown as (message: string) => void)('without facts');
    expect(said).toEqual([
      [{ page: 3, taskId: 't', service: 's', attempt: 2 }, 'read a page'],
      [{ taskId: 't', service: 's', attempt: 2 }, 'without facts'],
    ]);
  });
});

describe('prettyLine()', () => {
  const line = (facts: object) => JSON.stringify({ level: 40, time: 0, pid: 1, hostname: 'h', ...facts });

  it('reads well: time, level, phrase, fields, and the stack below', () => {
    const text = prettyLine(
      line({
        taskId: 't-1',
        note: 'two words',
        count: 3,
        err: { type: 'Error', message: 'no', stack: 'Error: no\n    at a' },
        msg: 'a phrase',
      }),
    );
    expect(plain(text)).toBe(
      '00:00:00.000 warn  a phrase taskId=t-1 note="two words" count=3\n    Error: no\n        at a\n',
    );
  });

  it('lets nothing steer the terminal', () => {
    const evil = '\u001b]0;title\u0007\u001b[2J\u009b31m\r\u202Eback';
    const text = plain(prettyLine(line({ msg: evil, [evil]: evil, err: { stack: evil } })));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text).toContain('\\u001b');
  });

  it('keeps what is no line of the log', () => {
    expect(prettyLine('nonsense \u001b[2J\n')).toBe('nonsense \\u001b[2J\n');
    expect(prettyLine('null')).toBe('null\n');
    expect(plain(prettyLine('{}'))).toContain('--:--:--.---');
  });
});
