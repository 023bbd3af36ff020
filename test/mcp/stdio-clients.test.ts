import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIXTURE_ARGS } from '../support/child-server.js';

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onprogress?: (progress: {
    readonly progress: number;
    readonly message?: string | undefined;
  }) => void;
}

interface Answer {
  readonly isError?: boolean | undefined;
  readonly structuredContent?: unknown;
}

/** What the tests need of a client, whichever SDK it comes from. */
interface TestClient {
  readonly protocolVersion: string | undefined;
  tools(): Promise<string[]>;
  instructions(): string | undefined;
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<Answer>;
  stderr(): string;
  close(): Promise<void>;
}

const command = { command: process.execPath, args: [...FIXTURE_ARGS], stderr: 'pipe' as const };

async function openV1(): Promise<TestClient> {
  const client = new V1Client({ name: 'v1', version: '1' });
  const transport = new V1Transport(command);
  const stderr = collect(transport.stderr);
  await client.connect(transport);
  return {
    protocolVersion: '2025-11-25',
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    instructions: () => client.getInstructions(),
    call: async (name, args, options) =>
      (await client.callTool({ name, arguments: args }, undefined, options)) as Answer,
    stderr,
    close: () => client.close(),
  };
}

type Mode = 'legacy' | 'auto' | { pin: string };

async function openModern(mode: Mode): Promise<TestClient> {
  const client = new ModernClient({ name: 'v2', version: '1' }, { versionNegotiation: { mode } });
  const transport = new ModernTransport(command);
  const stderr = collect(transport.stderr);
  await client.connect(transport);
  return {
    protocolVersion: client.getNegotiatedProtocolVersion(),
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    instructions: () => client.getInstructions(),
    call: async (name, args, options) => client.callTool({ name, arguments: args }, options),
    stderr,
    close: () => client.close(),
  };
}

function collect(
  stream: { on(event: 'data', listener: (chunk: unknown) => void): unknown } | null,
): () => string {
  let text = '';
  stream?.on('data', (chunk) => {
    text += String(chunk);
  });
  return () => text;
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isTrue(); waitedMs += 10) {
    if (waitedMs > 5000) throw new Error('not true within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe.each<[string, string, () => Promise<TestClient>]>([
  ['SDK v1', '2025-11-25', openV1],
  ['SDK v2, legacy', '2025-11-25', () => openModern('legacy')],
  ['SDK v2, auto', '2026-07-28', () => openModern('auto')],
  ['SDK v2, pinned', '2026-07-28', () => openModern({ pin: '2026-07-28' })],
])('over stdio, a client of %s', (_name, protocolVersion, open) => {
  let client: TestClient;
  beforeAll(async () => {
    client = await open();
  });
  afterAll(() => client.close());

  it('connects in its era, gets the instructions and lists the tools', async () => {
    expect(client.protocolVersion).toBe(protocolVersion);
    expect(client.instructions()).toContain('executeParallel');
    expect(await client.tools()).toEqual([
      'execute',
      'executeParallel',
      'listServices',
      'executeSubtasks',
      'getRun',
      'cancelRun',
      'explainRoute',
    ]);
  });

  it('executes a task', async () => {
    const answer = await client.call('execute', { task: 'hello', service: 'echo' });
    expect(answer).toMatchObject({
      structuredContent: { status: 'completed', result: 'echo hello', serviceName: 'echo' },
    });
    expect(answer.isError ?? false).toBe(false);
  });

  it('gets a failed task as an error with its structured content', async () => {
    expect(await client.call('execute', { task: 'a', service: 'fails' })).toMatchObject({
      isError: true,
      structuredContent: {
        status: 'failed',
        errorCode: 'SERVICE_FAILED',
        error: expect.stringContaining('no luck'),
      },
    });
  });

  it('gets a rejected task as an error with its structured content', async () => {
    expect(await client.call('execute', { task: 'a', service: 'nobody' })).toMatchObject({
      isError: true,
      structuredContent: { status: 'rejected', errorCode: 'UNKNOWN_SERVICE', success: false },
    });
  });

  it('promise C12 executes tasks in parallel and gets the results in input order', async () => {
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
  });

  it('executes subtasks in the order of their dependencies', async () => {
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

  it('gets rising progress', async () => {
    const seen: number[] = [];
    await client.call(
      'execute',
      { task: 'a', service: 'slow' },
      { onprogress: ({ progress }) => seen.push(progress) },
    );
    // The SDK's clients may lose the last one when it arrives together with the result.
    expect([0.2, 0.4, 0.6, 0.8, 1].slice(0, seen.length)).toEqual(seen);
    expect(seen.length).toBeGreaterThanOrEqual(4);
  });

  it('promise C6 cancels a call, and the service sees it', async () => {
    const controller = new AbortController();
    const task = `cancelled ${protocolVersion}`;
    const answer = client.call(
      'execute',
      { task, service: 'slow', kwargs: { stepMs: 10_000 } },
      { signal: controller.signal },
    );
    const rejected = expect(answer).rejects.toThrow();
    await until(() => client.stderr().includes(`started ${task}`));
    controller.abort();
    await rejected;
    await until(() => client.stderr().includes(`aborted ${task}`));
    expect(await client.call('execute', { task: 'b', service: 'echo' })).toMatchObject({
      structuredContent: { result: 'echo b' },
    });
  });
});
