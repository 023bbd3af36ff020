import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import { systemClock } from '../../src/core/clock.js';
import { type Log, silentLog } from '../../src/core/environment.js';
import type { OrchestratorPort } from '../../src/core/orchestrator-port.js';
import type { RunSource } from '../../src/mcp/resources/resource-sources.js';
import { Updates } from '../../src/mcp/resources/updates.js';
import { RunStore } from '../../src/mcp/runs/run-store.js';
import { createMcpServerFactory } from '../../src/mcp/server.js';
import { until } from './http-server.js';

/** A client beside its server in this process, and the addresses of resources that it was told have changed. */
export interface ConnectedClient {
  readonly client: Client;
  readonly updated: string[];
  /** Waits until it was told of this many changes. */
  toldTimes(count: number): Promise<void>;
}

/** Connects a client of the 2025 protocol to a server of its own. */
export async function connectInMemory(
  orchestrator: OrchestratorPort,
  { runSource: runs, log = silentLog }: { readonly runSource?: RunSource; readonly log?: Log } = {},
): Promise<ConnectedClient> {
  const [near, far] = InMemoryTransport.createLinkedPair();
  const sources = { orchestrator, runs };
  const updates = new Updates({ ...sources, clock: systemClock });
  const parts = { runs: new RunStore({ log }), log, version: '1', sources, updates };
  const factory = createMcpServerFactory(orchestrator, parts);
  await factory({ era: 'legacy' }).connect(far);
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(near);
  return follow(client);
}

/** Keeps what a client is told of resources. */
export function follow(client: Client): ConnectedClient {
  const updated: string[] = [];
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    updated.push(params.uri);
  });
  const toldTimes = (count: number): Promise<void> =>
    until(() => updated.length >= count, `${count} updates`);
  return { client, updated, toldTimes };
}

/** The text of a resource, parsed. */
export async function readJson(client: Client, uri: string): Promise<unknown> {
  const { contents } = await client.readResource({ uri });
  const [first] = contents;
  if (first === undefined || !('text' in first)) throw new Error(`${uri} has no text`);
  return JSON.parse(first.text);
}
