import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport as V1AnyTransport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer, TOKEN } from '../support/http-server.js';

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeout?: number;
  readonly onprogress?: (progress: { readonly progress: number }) => void;
}

interface Answer {
  readonly isError?: boolean | undefined;
  readonly structuredContent?: unknown;
}

/** What the tests need of a client, whichever SDK it comes from. */
interface TestClient {
  readonly protocolVersion: string | undefined;
  tools(): Promise<string[]>;
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<Answer>;
  /** Goes away without a word. */
  vanish(): Promise<void>;
  close(): Promise<void>;
}

const requestInit = { headers: { authorization: `Bearer ${TOKEN}` } };

async function openV1(url: string): Promise<TestClient> {
  const client = new V1Client({ name: 'v1', version: '1' });
  const transport = new V1Transport(new URL(url), { requestInit });
  await client.connect(transport as V1AnyTransport);
  return {
    protocolVersion: '2025-11-25',
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args, options) =>
      (await client.callTool({ name, arguments: args }, undefined, options)) as Answer,
    vanish: () => transport.close(),
    close: async () => {
      await transport.terminateSession();
      await client.close();
    },
  };
}

type Mode = 'legacy' | 'auto' | { pin: string };

async function openModern(url: string, mode: Mode): Promise<TestClient> {
  const client = new ModernClient({ name: 'v2', version: '1' }, { versionNegotiation: { mode } });
  const transport = new ModernTransport(new URL(url), { requestInit });
  await client.connect(transport);
  return {
    protocolVersion: client.getNegotiatedProtocolVersion(),
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args, options) => client.callTool({ name, arguments: args }, options),
    vanish: () => transport.close(),
    close: () => client.close(),
  };
}

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

describe.each<[string, string, (url: string) => Promise<TestClient>]>([
  ['SDK v1', '2025-11-25', openV1],
  ['SDK v2, legacy', '2025-11-25', (url) => openModern(url, 'legacy')],
  ['SDK v2, auto', '2026-07-28', (url) => openModern(url, 'auto')],
  ['SDK v2, pinned', '2026-07-28', (url) => openModern(url, { pin: '2026-07-28' })],
])('over HTTP, a client of %s', (name, protocolVersion, open) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await open(server.url);
  });
  afterAll(() => client.close());

  it('connects in its era and lists the tools', async () => {
    expect(client.protocolVersion).toBe(protocolVersion);
    expect(await client.tools()).toEqual(
      expect.arrayContaining(['execute', 'executeParallel', 'listServices']),
    );
  });

  it('executes a task', async () => {
    const answer = await client.call('execute', { task: 'hello', service: 'echo' });
    expect(answer).toMatchObject({ structuredContent: { status: 'completed', result: 'echo hello' } });
    expect(answer.isError ?? false).toBe(false);
  });

  it('gets bad input and a failed task as errors', async () => {
    expect(await client.call('execute', { task: 'a', wrong: 1 })).toMatchObject({ isError: true });
    expect(await client.call('execute', { task: 'a', service: 'fails' })).toMatchObject({
      isError: true,
      structuredContent: { status: 'failed', errorCode: 'SERVICE_FAILED' },
    });
  });

  it('executes tasks and subtasks, lists services and explains a route', async () => {
    const tasks = [
      { task: 'a', service: 'slow' },
      { task: 'b', service: 'echo' },
    ];
    expect(await client.call('executeParallel', { tasks })).toMatchObject({
      structuredContent: { results: [{ result: 'slow a' }, { result: 'echo b' }] },
    });
    expect(
      await client.call('executeSubtasks', { subtasks: [{ task: 'b', service: 'echo' }] }),
    ).toMatchObject({
      structuredContent: { results: [{ result: 'echo b' }] },
    });
    expect(await client.call('listServices', { query: 'echo' })).toMatchObject({
      structuredContent: { services: [{ name: 'echo' }] },
    });
    expect(await client.call('explainRoute', { task: 'anything' })).toMatchObject({
      structuredContent: { service: 'echo' },
    });
  });

  it('fault C12 gets rising progress while the call runs', async () => {
    const seen: number[] = [];
    const options = { onprogress: ({ progress }: { readonly progress: number }) => seen.push(progress) };
    await client.call('execute', { task: 'a', service: 'slow', kwargs: { stepMs: 20 } }, options);
    // The SDK's clients may lose the last one when it arrives together with the result.
    expect([0.2, 0.4, 0.6, 0.8, 1].slice(0, seen.length)).toEqual(seen);
    expect(seen.length).toBeGreaterThanOrEqual(4);
  });

  it('promise C6 cancels a call, and the service sees it', async () => {
    const controller = new AbortController();
    const task = `cancelled by ${name}`;
    const args = { task, service: 'slow', kwargs: { stepMs: 10_000 } };
    const rejected = expect(client.call('execute', args, { signal: controller.signal })).rejects.toThrow();
    await server.saw(`started ${task}`);
    controller.abort();
    await rejected;
    await server.saw(`aborted ${task}`);
    expect(await client.call('execute', { task: 'b', service: 'echo' })).toMatchObject({
      structuredContent: { result: 'echo b' },
    });
  });

  it('stops the service when its patience ends', async () => {
    const task = `timed out by ${name}`;
    const args = { task, service: 'slow', kwargs: { stepMs: 10_000 } };
    await expect(client.call('execute', args, { timeout: 200 })).rejects.toThrow();
    await server.saw(`aborted ${task}`);
  });

  it('fault C1 stops the service when it goes away, and leaves other clients alone', async () => {
    const other = await open(server.url);
    const leaving = await open(server.url);
    const task = `left by ${name}`;
    const staying = other.call('execute', {
      task: `kept by ${name}`,
      service: 'slow',
      kwargs: { stepMs: 60 },
    });
    const lost = leaving
      .call('execute', { task, service: 'slow', kwargs: { stepMs: 10_000 } })
      .catch(() => {});
    await server.saw(`started ${task}`);
    await leaving.vanish();
    await server.saw(`aborted ${task}`);
    await lost;
    expect(await staying).toMatchObject({ structuredContent: { result: `slow kept by ${name}` } });
    await other.close();
  });
});
