import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import type { OrchestratorPort } from '../../src/core/orchestrator-port.js';
import type { TaskResult } from '../../src/core/result.js';
import { RunStore } from '../../src/mcp/runs/run-store.js';
import { ToolLane } from '../../src/mcp/tool-lane.js';
import { fakeOrchestrator, taskResult } from '../support/fake-orchestrator.js';
import { MemoryTransport } from '../support/memory-transport.js';

type Options = Parameters<OrchestratorPort['execute']>[1];

/** A lane over an orchestrator whose tasks are settled by the test. */
async function openLane({ isOpen = true } = {}) {
  const inner = new MemoryTransport();
  const tasks: { task: string; options: Options; settle: (result: TaskResult) => void }[] = [];
  const execute = (task: string, options?: Options): Promise<TaskResult> =>
    new Promise((settle) => void tasks.push({ task, options, settle }));
  const orchestrator = fakeOrchestrator({ execute });
  const lane = new ToolLane(inner, { orchestrator, runs: new RunStore(), log: silentLog });
  const passedOn: JSONRPCMessage[] = [];
  lane.onmessage = (message) => passedOn.push(message);
  await lane.start();
  if (isOpen) {
    inner.onmessage?.({ jsonrpc: '2.0', id: 'init', method: 'initialize', params: {} });
    await lane.send({ jsonrpc: '2.0', id: 'init', result: { protocolVersion: '2025-11-25' } });
    inner.sent.length = 0;
    passedOn.length = 0;
  }
  return { inner, lane, tasks, passedOn };
}

function call(id: number, task: string, meta?: object): JSONRPCMessage {
  const params = { name: 'execute', arguments: { task }, ...(meta && { _meta: meta }) };
  return { jsonrpc: '2.0', id, method: 'tools/call', params } as JSONRPCMessage;
}

const cancel = (requestId: unknown) =>
  ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }) as JSONRPCMessage;
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('ToolLane', () => {
  it('answers a plain call itself', async () => {
    const { inner, tasks, passedOn } = await openLane();
    inner.onmessage?.(call(1, 'hi'));
    await settled();
    tasks[0]?.settle(taskResult({ result: 'done' }));
    await settled();
    expect(passedOn).toEqual([]);
    expect(inner.sent).toMatchObject([
      { jsonrpc: '2.0', id: 1, result: { isError: false, structuredContent: { result: 'done' } } },
    ]);
  });

  it('answers bad arguments itself, as an error of the tool', async () => {
    const { inner } = await openLane();
    inner.onmessage?.({
      ...call(1, ''),
      params: { name: 'execute', arguments: { tsk: 'a' } },
    } as JSONRPCMessage);
    await settled();
    expect(inner.sent).toMatchObject([{ id: 1, result: { isError: true } }]);
  });

  it('leaves unknown tools, other requests and calls with an envelope to the SDK', async () => {
    const { inner, tasks, passedOn } = await openLane();
    const others = [
      { ...call(1, 'a'), params: { name: 'nope', arguments: {} } },
      { jsonrpc: '2.0', id: 2, method: 'tools/list' },
      call(3, 'a', { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }),
      cancel(9),
    ] as JSONRPCMessage[];
    for (const message of others) inner.onmessage?.(message);
    await settled();
    expect(passedOn).toEqual(others);
    expect(tasks).toEqual([]);
  });

  it('leaves every call to the SDK until an initialize is answered with a result', async () => {
    const { inner, lane, passedOn } = await openLane({ isOpen: false });
    inner.onmessage?.(call(1, 'a'));
    inner.onmessage?.({ jsonrpc: '2.0', id: 2, method: 'initialize', params: {} });
    inner.onmessage?.(call(3, 'a'));
    await lane.send({ jsonrpc: '2.0', id: 2, error: { code: -32602, message: 'no' } });
    inner.onmessage?.(call(4, 'a'));
    expect(passedOn).toHaveLength(4);
  });

  it('fault C7 never starts a call whose cancel came with it', async () => {
    const { inner, tasks, passedOn } = await openLane();
    inner.onmessage?.(call(1, 'never'));
    inner.onmessage?.(cancel(1));
    await settled();
    expect({ tasks, passedOn, sent: inner.sent }).toEqual({ tasks: [], passedOn: [], sent: [] });
  });

  it('aborts a cancelled call, gives it no answer, and lets its id be used again', async () => {
    const { inner, tasks } = await openLane();
    inner.onmessage?.(call(1, 'first'));
    await settled();
    inner.onmessage?.(cancel(1));
    expect(tasks[0]?.options?.signal?.aborted).toBe(true);
    inner.onmessage?.(call(1, 'second'));
    await settled();
    tasks[0]?.settle(taskResult({ result: 'late' }));
    await settled();
    expect(inner.sent).toEqual([]);
    inner.onmessage?.(cancel(1));
    expect(tasks[1]?.options?.signal?.aborted).toBe(true);
  });

  it('gives no call a signal that was aborted, nor one that another live call has', async () => {
    const { inner, tasks } = await openLane();
    for (let id = 0; id < 1200; id += 1) {
      inner.onmessage?.(call(id, 'a'));
      inner.onmessage?.(call(id + 10_000, 'b'));
      await Promise.resolve();
      const [first, second] = tasks.slice(-2);
      expect(first?.options?.signal).not.toBe(second?.options?.signal);
      expect([first, second].some((each) => each?.options?.signal?.aborted)).toBe(false);
      inner.onmessage?.(cancel(id));
      second?.settle(taskResult());
      first?.settle(taskResult());
      await settled();
    }
    expect(inner.sent).toHaveLength(1200);
  });

  it('fault C1 aborts its calls when the connection ends, before anyone above hears of it', async () => {
    const { inner, lane, tasks } = await openLane();
    inner.onmessage?.(call(1, 'a'));
    await settled();
    let wasAborted: boolean | undefined;
    lane.onclose = () => {
      wasAborted = tasks[0]?.options?.signal?.aborted;
    };
    await inner.close();
    expect(wasAborted).toBe(true);
    tasks[0]?.settle(taskResult());
    await settled();
    expect(inner.sent).toEqual([]);
  });

  it('fault C12 sends progress only with a token, and none after the answer', async () => {
    const { inner, tasks } = await openLane();
    inner.onmessage?.(call(1, 'quiet'));
    inner.onmessage?.(call(2, 'loud', { progressToken: 0 }));
    await settled();
    tasks[0]?.options?.onProgress?.(0.4, 'not asked for');
    const report = tasks[1]?.options?.onProgress;
    report?.(0.5, 'half');
    await settled();
    tasks[1]?.settle(taskResult());
    report?.(0.9, undefined);
    await settled();
    report?.(1, undefined);
    await settled();
    expect(inner.sent.map((message) => ('method' in message ? message.params?.progress : 'answer'))).toEqual([
      0.5,
      0.9,
      'answer',
    ]);
    expect(inner.sent[0]).toMatchObject({ params: { progressToken: 0, total: 1, message: 'half' } });
  });
});
