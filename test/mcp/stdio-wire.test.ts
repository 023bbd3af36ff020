import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChildServer, FIXTURE_ARGS } from '../support/child-server.js';

let server: ChildServer;

beforeEach(async () => {
  server = new ChildServer();
  await server.initialize();
});

afterEach(() => server.kill());

describe('the server over stdio', () => {
  it('fault C2 keeps stdout pure when a service prints', async () => {
    server.call(2, { task: 'hi', service: 'print' });
    expect((await server.answer(2)).result).toMatchObject({
      isError: false,
      structuredContent: { result: 'printed hi' },
    });
    server.call(3, { task: 'again', service: 'echo' });
    await server.answer(3);
    expect(server.strayLines).toEqual([]);
    expect(server.answersTo(1)).toEqual([]);
    expect(server.stderr).toContain('a stray line');
    expect(server.stderr).toContain('half a line');
  });

  it('fault C3 serves the next line after malformed JSON, a batch and an id of null', async () => {
    server.sendLine('{"jsonrpc": "2.0", "id": 2, "method"');
    server.sendLine('not json at all');
    server.sendLine('');
    server.send([{ jsonrpc: '2.0', id: 3, method: 'tools/list' }]);
    server.send({ jsonrpc: '2.0', id: null, method: 'tools/list' });
    server.sendLine(
      `{"jsonrpc":"2.0","id":5,"method":"tools/list","params":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    );
    server.send({ jsonrpc: '2.0', id: 4, method: 'tools/list' });
    expect((await server.answer(4)).result?.tools).toHaveLength(7);
    expect(server.strayLines).toEqual([]);
    // Who can be told is told, rather than left waiting.
    for (const id of [3, 5]) expect((await server.answer(id)).error?.code).toBe(-32600);
  });

  it('fault C4 ends with an exit code when a message is longer than 10 MiB', async () => {
    server.call(2, { task: 'x', service: 'stubborn' });
    await server.said('started x');
    server.call(3, { task: 'y'.repeat(11 * 1024 * 1024) });
    const startedAt = Date.now();
    expect((await server.exited).code).toBe(1);
    expect(Date.now() - startedAt).toBeLessThan(5000);
    expect(server.stderr).toContain('exceeded maximum size');
  });

  it('fault C5 refuses a request id in flight; the first call is unaffected and can still be cancelled', async () => {
    server.call(2, { task: 'one', service: 'slow', kwargs: { stepMs: 100 } });
    server.call(2, { task: 'two', service: 'echo' });
    await server.until(() => server.answersTo(2).length === 2, 'two answers');
    const [refusal, answer] = server.answersTo(2);
    expect(refusal?.error?.code).toBe(-32600);
    expect(answer?.result).toMatchObject({ structuredContent: { result: 'slow one' } });

    server.call(3, { task: 'three', service: 'slow', kwargs: { stepMs: 10_000 } });
    await server.said('started three');
    server.call(3, { task: 'four', service: 'echo' });
    expect((await server.answer(3)).error?.code).toBe(-32600);
    server.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 3 } });
    await server.said('aborted three');
  });

  it('fault C6 ignores the cancel of an unknown and of a finished id', async () => {
    server.call(2, { task: 'a', service: 'echo' });
    await server.answer(2);
    for (const requestId of [2, 99, 'x']) {
      server.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } });
    }
    server.call(3, { task: 'b', service: 'echo' });
    expect((await server.answer(3)).result).toMatchObject({ structuredContent: { result: 'echo b' } });
  });

  it('fault C7 never starts a call that is cancelled at once', async () => {
    const call = {
      jsonrpc: '2.0',
      id: 2,
      method: 'tools/call',
      params: { name: 'execute', arguments: { task: 'never', service: 'slow' } },
    };
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } };
    server.sendLine(`${JSON.stringify(call)}\n${JSON.stringify(cancel)}`);
    server.call(3, { task: 'after', service: 'slow', kwargs: { steps: 1 } });
    await server.answer(3);
    expect(server.answersTo(2)).toEqual([]);
    expect(server.stderr).not.toContain('started never');
  });

  it('fault C12 sends progress only with a token, strictly rising, and none after the result', async () => {
    server.call(2, { task: 'quiet', service: 'slow' });
    await server.answer(2);
    expect(server.messages.filter(({ method }) => method === 'notifications/progress')).toEqual([]);

    server.call(3, { task: 'loud', service: 'slow' }, { progressToken: 'p' });
    await server.answer(3);
    const kinds = server.messages
      .slice(-6)
      .map(({ method, id, params }) => (method === 'notifications/progress' ? params?.progress : id));
    expect(kinds).toEqual([0.2, 0.4, 0.6, 0.8, 1, 3]);
  });

  it('fault S7 answers whatever a service returns', async () => {
    server.call(2, { task: 'a', service: 'strange' });
    server.call(3, { task: 'b', service: 'unspeakable' });
    expect((await server.answer(2)).result).toMatchObject({
      isError: false,
      structuredContent: {
        result: {
          big: '18446744073709551616',
          at: '1970-01-01T00:00:00.000Z',
          tags: ['a'],
          self: '[Circular]',
        },
      },
    });
    expect((await server.answer(3)).result).toMatchObject({
      isError: true,
      structuredContent: { status: 'failed', errorCode: 'UNSERIALISABLE' },
    });
  });

  it('fault S6 answers a giant result with a preview', async () => {
    server.call(2, { task: 'a', service: 'big', kwargs: { length: 5_000_000 } });
    expect((await server.answer(2)).result).toMatchObject({
      isError: true,
      structuredContent: { errorCode: 'RESULT_TOO_LARGE', errorDetails: { preview: 'x'.repeat(1024) } },
    });
  });

  it('answers -32602 to an unknown tool and an error that names the field to bad arguments', async () => {
    server.send({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'nope', arguments: {} } });
    server.call(3, { tsk: 'a' });
    expect((await server.answer(2)).error).toMatchObject({
      code: -32602,
      message: expect.stringContaining('executeParallel'),
    });
    expect((await server.answer(3)).result).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('"tsk"') }],
    });
  });

  it('fault C1 cancels the calls in flight and exits 0 when the client goes away', async () => {
    server.call(2, { task: 'one', service: 'slow', kwargs: { stepMs: 10_000 } });
    server.call(3, { task: 'two', service: 'stubborn' });
    await server.said('started one');
    await server.said('started two');
    server.child.stdin.end();
    const endedAt = Date.now();
    expect((await server.exited).code).toBe(0);
    expect(Date.now() - endedAt).toBeLessThan(3000);
    expect(server.stderr).toContain('aborted one');
  });

  it('lets a run whose id was told go on for --drain-seconds when the client goes away', async () => {
    const patient = new ChildServer([...FIXTURE_ARGS, '--drain-seconds=5']);
    await patient.initialize();
    patient.call(2, { task: 'one', service: 'slow', waitSeconds: 0 });
    expect((await patient.answer(2)).result).toMatchObject({ structuredContent: { status: 'running' } });
    patient.child.stdin.end();
    expect((await patient.exited).code).toBe(0);
    expect(patient.stderr).toContain('finished one');
  });

  it('fault C9 exits 0 when the client closes our stdout', async () => {
    server.call(2, { task: 'one', service: 'slow', kwargs: { stepMs: 10_000 } });
    await server.said('started one');
    server.child.stdout.destroy();
    server.call(3, { task: 'a', service: 'echo' });
    expect((await server.exited).code).toBe(0);
    expect(server.stderr).toContain('aborted one');
  });

  it('fault P1 lets accepted work end on SIGTERM, answers it and exits 0', async () => {
    server.call(2, { task: 'one', service: 'slow', kwargs: { stepMs: 60 } });
    await server.said('started one');
    server.child.kill('SIGTERM');
    await server.said('draining');
    server.call(3, { task: 'late', service: 'echo' });
    expect((await server.exited).code).toBe(0);
    expect(server.answersTo(2)[0]?.result).toMatchObject({ structuredContent: { result: 'slow one' } });
    expect(server.answersTo(3)[0]?.result).toMatchObject({
      structuredContent: { status: 'rejected', errorCode: 'SHUTTING_DOWN' },
    });
  });

  it('fault P1 cuts off what outlasts the drain, answers it and exits 0', async () => {
    server.call(2, { task: 'one', service: 'slow', kwargs: { stepMs: 10_000 } });
    server.call(3, { task: 'two', service: 'stubborn' });
    await server.said('started one');
    await server.said('started two');
    server.child.kill('SIGINT');
    expect((await server.exited).code).toBe(0);
    for (const id of [2, 3]) {
      expect(server.answersTo(id)[0]?.result).toMatchObject({
        structuredContent: { status: 'cancelled', errorCode: 'SHUTTING_DOWN' },
      });
    }
  });

  it('fault P2 stops at once with 130 on a second SIGINT', async () => {
    server.call(2, { task: 'one', service: 'stubborn' });
    await server.said('started one');
    server.child.kill('SIGINT');
    await server.said('draining');
    server.child.kill('SIGINT');
    expect((await server.exited).code).toBe(130);
  });

  it('fault S9 ends with one fatal line and 70 when a timer of a service throws', async () => {
    server.call(2, { task: 'a', service: 'bomb' });
    expect((await server.exited).code).toBe(70);
    const fatal = server.stderr.split('\n').filter((line) => line.includes('"level":60'));
    expect(fatal).toHaveLength(1);
    expect(fatal[0]).toContain('a timer left behind');
  });

  it('fault P5 ends with 70 when a service leaves a rejected promise behind', async () => {
    server.call(2, { task: 'a', service: 'careless' });
    expect((await server.exited).code).toBe(70);
    expect(server.stderr).toContain('a promise left behind');
  });

  it('fault P5 goes on after a rejected promise when it was told to', async () => {
    const tolerant = new ChildServer([...FIXTURE_ARGS, '--tolerant']);
    await tolerant.initialize();
    tolerant.call(2, { task: 'a', service: 'careless' });
    expect((await tolerant.answer(2)).result).toMatchObject({ structuredContent: { result: 'gone' } });
    tolerant.call(3, { task: 'b', service: 'echo' });
    expect((await tolerant.answer(3)).result).toMatchObject({ isError: false });
    expect(tolerant.stderr).toContain('rejection that nobody handled');
    tolerant.kill();
  });

  it('fault S9 ends with 70 although nobody reads stderr any more', async () => {
    server.child.stderr.destroy();
    server.call(2, { task: 'a', service: 'bomb' });
    expect((await server.exited).code).toBe(70);
  });
});
