import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Log, silentLog } from '../../src/core/environment.js';
import { serveStdio } from '../../src/mcp/stdio.js';
import { timed } from '../services/isolation-support.js';
import { fakeOrchestrator } from '../support/fake-orchestrator.js';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A connection whose reader takes a chunk only when the test says so. */
function connect(log: Log = silentLog) {
  const input = new PassThrough();
  const taken: string[] = [];
  let takeNext: (() => void) | undefined;
  const output = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      takeNext = () => {
        takeNext = undefined;
        taken.push(String(chunk));
        done();
      };
    },
  });
  const connection = serveStdio(fakeOrchestrator(), { log, version: '0', input, output });
  return { input, output, connection, taken, take: () => takeNext?.() };
}

const ping = `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })}\n`;

describe('serveStdio().close()', () => {
  it('ends as soon as the last answer is taken', async () => {
    const { input, output, connection, taken, take } = connect();
    input.write(ping);
    while (output.writableLength === 0) await settle();
    const closed = timed(connection.close());
    for (let turn = 0; turn < 5; turn += 1) {
      await settle();
      take();
    }
    expect(await closed).toBeLessThan(1000);
    expect(taken.join('')).toContain('"id":1');
  });

  it('ends at once when the output breaks before that', async () => {
    const { input, output, connection } = connect();
    input.write(ping);
    while (output.writableLength === 0) await settle();
    output.destroy(new Error('broken'));
    expect(await connection.ended).toMatchObject({ exitCode: 1 });
    expect(await timed(connection.close())).toBeLessThan(1000);
  });
});

describe('serveStdio() with a line that nobody can be answered to', () => {
  /** What is told above debug of these lines, and what is answered to the client. */
  async function send(...lines: string[]) {
    const told: [object, string][] = [];
    const warn = (facts: object, message: string): void => void told.push([facts, message]);
    const { input, taken, take, connection } = connect({ ...silentLog, warn });
    input.write(lines.map((line) => `${line}\n`).join(''));
    for (let turn = 0; turn < 5; turn += 1) {
      await settle();
      take();
    }
    await connection.close();
    return { told, taken };
  }
  const request = (id: string): string =>
    `{"jsonrpc":"2.0","id":${id},"method":"tools/list","params":{"note":"hunter2secret"}}`;

  it.each([
    ['no JSON', 'hunter2secret {'],
    ['an id of 1.5', request('1.5')],
    ['an id of null', request('null')],
    ['an object for an id', request('{}')],
    ['an id of 30 digits', request('1'.repeat(30))],
  ])('warns of %s, by its length only', async (_what, line) => {
    const { told, taken } = await send(line);
    expect(told).toEqual([
      [
        { count: 1, reason: expect.any(String), lengthChars: line.length },
        'a line of the client gets no answer',
      ],
    ]);
    expect(JSON.stringify(told)).not.toContain('hunter2');
    expect(taken).toEqual([]);
  });

  it('warns of a flood at the 1st, the 10th and the 100th line', async () => {
    const { told } = await send(...Array.from({ length: 250 }, () => 'x'));
    expect(told.map(([facts]) => facts)).toMatchObject([{ count: 1 }, { count: 10 }, { count: 100 }]);
  });

  it('does not warn of a blank line, nor of a request that is refused', async () => {
    const { told, taken } = await send('', ' \r', `[${request('3')}]`);
    expect(told).toEqual([]);
    expect(taken.join('')).toContain('"id":3');
  });
});
