import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import { serveStdio } from '../../src/mcp/stdio.js';
import { timed } from '../services/isolation-support.js';
import { fakeOrchestrator } from '../support/fake-orchestrator.js';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A connection whose reader takes a chunk only when the test says so. */
function connect() {
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
  const connection = serveStdio(fakeOrchestrator(), { log: silentLog, version: '0', input, output });
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
