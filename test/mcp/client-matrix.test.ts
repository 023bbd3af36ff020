import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/http-server.js';
import {
  CLIENT_KINDS,
  type ClientKind,
  openHttp,
  openStdio,
  type TestClient,
} from '../support/matrix-clients.js';

/** Every official client on every transport, with every tool. A call that is given up must stop the service. */

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** Arguments of each tool that works, for one task. */
const WORK: Readonly<Record<string, (task: object) => Record<string, unknown>>> = {
  execute: (task) => ({ ...task }),
  executeParallel: (task) => ({ tasks: [task] }),
  executeSubtasks: (task) => ({ subtasks: [task] }),
};
const workers = Object.keys(WORK);

/** Arguments that each tool must refuse. */
const BAD: Readonly<Record<string, Record<string, unknown>>> = {
  execute: { task: 'a', wrong: 1 },
  executeParallel: { tasks: 'a' },
  executeSubtasks: { subtasks: [{ task: 'a', dependsOn: ['nobody'] }] },
  listServices: { query: 1 },
  explainRoute: {},
  getRun: { runId: 7 },
  cancelRun: {},
};

const long = (task: string) => ({ task, service: 'slow', kwargs: { stepMs: 10_000 } });

/** The result of the one task, whichever tool ran it. */
function resultIn(answer: unknown): unknown {
  const { results, ...own } = answer as Record<string, unknown> & { readonly results?: readonly unknown[] };
  return results === undefined ? own : results[0];
}

describe.each<[string, ClientKind, (kind: ClientKind) => Promise<TestClient>]>(
  CLIENT_KINDS.flatMap((kind): [string, ClientKind, (kind: ClientKind) => Promise<TestClient>][] => [
    [`over stdio, ${kind.name}`, kind, openStdio],
    [`over HTTP, ${kind.name}`, kind, (each) => openHttp(each, server)],
  ]),
)('%s', (name, kind, open) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await open(kind);
  });
  afterAll(() => client.close());

  async function run(tool: string, task: object, options?: Parameters<TestClient['call']>[2]) {
    return client.call(tool, WORK[tool]?.(task) ?? {}, options);
  }

  it('connects in its era, gets the instructions and lists the tools', async () => {
    expect(client.protocolVersion).toBe(kind.protocolVersion);
    expect(client.instructions()).toContain('executeParallel');
    expect((await client.tools()).sort()).toEqual(Object.keys(BAD).sort());
  });

  it.each(Object.entries(BAD))('gets an error for bad input of %s', async (tool, args) => {
    expect(await client.call(tool, args)).toMatchObject({ isError: true });
  });

  describe.each(workers)('%s', (tool) => {
    it('answers what the service says', async () => {
      const answer = await run(tool, { task: 'hello', service: 'echo' });
      expect(answer.isError ?? false).toBe(false);
      expect(resultIn(answer.structuredContent)).toMatchObject({ status: 'completed', result: 'echo hello' });
    });

    it.each([
      ['failed', 'fails', 'SERVICE_FAILED'],
      ['rejected', 'nobody', 'UNKNOWN_SERVICE'],
    ])('answers a %s task as an error with its structured content', async (status, service, errorCode) => {
      const answer = await run(tool, { task: 'a', service });
      expect(answer.isError).toBe(true);
      expect(resultIn(answer.structuredContent)).toMatchObject({ status, errorCode, success: false });
    });

    it('fault C12 tells rising progress while it works', async () => {
      const seen: number[] = [];
      const onprogress = ({ progress }: { readonly progress: number }) => void seen.push(progress);
      const steps = [1, 2, 3, 4, 5];
      // A task tells its steps, several tell how many have ended.
      const tasks = steps.map((step) => ({
        task: `${step}`,
        service: 'slow',
        kwargs: { stepMs: 10 * step },
      }));
      const args =
        tool === 'execute' ? { ...tasks[1] } : { [tool === 'executeParallel' ? 'tasks' : 'subtasks']: tasks };
      await client.call(tool, args, { onprogress });
      // The SDK's clients may lose the last one when it arrives together with the result.
      expect(seen).toEqual(steps.map((step) => step / 5).filter((fraction) => seen.includes(fraction)));
      // And what comes in quick succession is told as one.
      expect(seen.length).toBeGreaterThanOrEqual(3);
    });

    it('promise C6 is cancelled, the service sees it, and the connection lives', async () => {
      const controller = new AbortController();
      const task = `${tool} cancelled ${name}`;
      const rejected = expect(run(tool, long(task), { signal: controller.signal })).rejects.toThrow();
      await client.saw(`started ${task}`);
      controller.abort();
      await rejected;
      await client.saw(`aborted ${task}`);
      expect((await run(tool, { task: 'b', service: 'echo' })).isError ?? false).toBe(false);
    });

    it("stops the service when the client's patience ends", async () => {
      const task = `${tool} timed out ${name}`;
      await expect(run(tool, long(task), { timeout: 250 })).rejects.toThrow();
      await client.saw(`aborted ${task}`);
    });
  });

  it('reads and cancels a run whose id it was given', async () => {
    const task = `handed out ${name}`;
    const { structuredContent } = await client.call('execute', { ...long(task), waitSeconds: 0 });
    const { runId } = structuredContent as { readonly runId: string };
    expect(structuredContent).toMatchObject({ status: 'running' });
    // Who waits for a run and gives up stops waiting, and nothing else.
    await expect(client.call('getRun', { runId }, { timeout: 100 })).rejects.toThrow();
    expect(await client.call('getRun', { runId, waitSeconds: 0 })).toMatchObject({
      structuredContent: { runId, status: 'running' },
    });
    await client.call('cancelRun', { runId });
    await client.saw(`aborted ${task}`);
    expect(await client.call('getRun', { runId })).toMatchObject({
      isError: true,
      structuredContent: { runId, status: 'cancelled' },
    });
    expect(await client.call('getRun', { runId: 'nobody-knows-it' })).toMatchObject({ isError: true });
  });

  it('promise C12 gets results in the order of the input, and of what depends on what', async () => {
    const tasks = [
      { task: 'a', service: 'slow' },
      { task: 'b', service: 'echo' },
      { task: 'c', service: 'fails' },
    ];
    expect(await client.call('executeParallel', { tasks })).toMatchObject({
      structuredContent: {
        status: 'partial',
        total: 3,
        succeeded: 2,
        failed: 1,
        results: [{ result: 'slow a' }, { result: 'echo b' }, { errorCode: 'SERVICE_FAILED' }],
      },
    });
    const subtasks = [
      { id: 'two', task: 'b', service: 'echo', dependsOn: ['one'] },
      { id: 'one', task: 'a', service: 'echo' },
    ];
    expect(await client.call('executeSubtasks', { subtasks })).toMatchObject({
      structuredContent: { status: 'completed', results: [{ result: 'echo b' }, { result: 'echo a' }] },
    });
  });

  it('lists services and explains a route', async () => {
    expect(await client.call('listServices', { query: 'echo' })).toMatchObject({
      structuredContent: { services: [{ name: 'echo' }], maxParallel: 8 },
    });
    expect(await client.call('explainRoute', { task: 'anything' })).toMatchObject({
      structuredContent: { service: 'echo', outcome: 'fallback' },
    });
  });

  it('fault C1 stops the services of all its calls when it goes away, and leaves other clients alone', async () => {
    const leaving = await open(kind);
    const staying = client.call('execute', {
      task: `kept ${name}`,
      service: 'slow',
      kwargs: { stepMs: 60 },
    });
    const calls = workers.map((tool) =>
      leaving.call(tool, WORK[tool]?.(long(`${tool} left ${name}`)) ?? {}).catch(() => {}),
    );
    for (const tool of workers) await leaving.saw(`started ${tool} left ${name}`);
    const left = leaving.vanish();
    for (const tool of workers) await leaving.saw(`aborted ${tool} left ${name}`);
    await Promise.all([left, ...calls]);
    expect(await staying).toMatchObject({ structuredContent: { result: `slow kept ${name}` } });
  });
});
