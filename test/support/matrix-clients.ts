import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Stdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as V1Http } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport as V1Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { FIXTURE_ARGS } from './child-server.js';
import { type TestServer, TOKEN, until } from './http-server.js';

/** The official clients on both transports, with one face. */

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly onprogress?: (progress: { readonly progress: number }) => void;
}

export interface Answer {
  readonly isError?: boolean | undefined;
  readonly structuredContent?: unknown;
}

/** What the tests need of a client, whichever SDK it comes from. */
export interface TestClient {
  readonly protocolVersion: string | undefined;
  instructions(): string | undefined;
  tools(): Promise<string[]>;
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<Answer>;
  /** Waits until a service of its server said this line. */
  saw(line: string): Promise<void>;
  /** Goes away without a word. */
  vanish(): Promise<void>;
  close(): Promise<void>;
}

/** Which client, and in which era it is to end up. */
export interface ClientKind {
  readonly name: string;
  readonly protocolVersion: string;
  readonly mode: 'v1' | 'legacy' | 'auto' | { readonly pin: string };
}

export const CLIENT_KINDS: readonly ClientKind[] = [
  { name: 'SDK v1', protocolVersion: '2025-11-25', mode: 'v1' },
  { name: 'SDK v2, legacy', protocolVersion: '2025-11-25', mode: 'legacy' },
  { name: 'SDK v2, auto', protocolVersion: '2026-07-28', mode: 'auto' },
  { name: 'SDK v2, pinned', protocolVersion: '2026-07-28', mode: { pin: '2026-07-28' } },
];

/** A client with a server process of its own. */
export async function openStdio({ mode }: ClientKind): Promise<TestClient> {
  const command = { command: process.execPath, args: [...FIXTURE_ARGS], stderr: 'pipe' as const };
  const transport = mode === 'v1' ? new V1Stdio(command) : new ModernStdio(command);
  let said = '';
  transport.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  const client =
    transport instanceof V1Stdio
      ? await connectV1(transport)
      : await connectModern(transport, mode as Exclude<ClientKind['mode'], 'v1'>);
  return {
    ...client,
    saw: (line) => until(() => said.includes(line), line),
    vanish: () => transport.close(),
  };
}

/** A client of a server that others use too. */
export async function openHttp({ mode }: ClientKind, server: TestServer): Promise<TestClient> {
  const url = new URL(server.url);
  const requestInit = { headers: { authorization: `Bearer ${TOKEN}` } };
  if (mode !== 'v1') {
    const transport = new ModernHttp(url, { requestInit });
    const client = await connectModern(transport, mode);
    return { ...client, saw: server.saw, vanish: () => transport.close() };
  }
  const transport = new V1Http(url, { requestInit });
  const client = await connectV1(transport as V1Transport);
  return {
    ...client,
    saw: server.saw,
    vanish: () => transport.close(),
    async close() {
      await transport.terminateSession();
      await client.close();
    },
  };
}

type Connected = Omit<TestClient, 'saw' | 'vanish'>;

async function connectV1(transport: V1Transport): Promise<Connected> {
  const client = new V1Client({ name: 'v1', version: '1' });
  await client.connect(transport);
  return {
    protocolVersion: '2025-11-25',
    instructions: () => client.getInstructions(),
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args, options) =>
      (await client.callTool({ name, arguments: args }, undefined, options)) as Answer,
    close: () => client.close(),
  };
}

async function connectModern(
  transport: ModernStdio | ModernHttp,
  mode: Exclude<ClientKind['mode'], 'v1'>,
): Promise<Connected> {
  const client = new ModernClient({ name: 'v2', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return {
    protocolVersion: client.getNegotiatedProtocolVersion(),
    instructions: () => client.getInstructions(),
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args, options) => client.callTool({ name, arguments: args }, options),
    close: () => client.close(),
  };
}
