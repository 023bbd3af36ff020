import type { Bench, Contestant, Sample } from './bench.js';
import { connectLineClient } from './clients/line-client.js';
import type { ConnectClient, ToolClient } from './clients/tool-client.js';
import {
  bareEchoHttpServer,
  bareEchoServer,
  checkedEchoServer,
  noOpHttpServer,
  noOpServer,
  type ServerUnderTest,
} from './contestants/servers.js';
import { percentile } from './statistics.js';

const WARM_UP_CALLS = 3000;
/** Calls one after another, for the round trip. */
const SINGLE_CALLS = 3000;
/** Calls for the throughput. */
const PARALLEL_CALLS = 15_000;
/** Calls in flight at once, for the throughput. */
const IN_FLIGHT = 32;

interface Caller {
  readonly client: string;
  readonly connect: () => Promise<ConnectClient>;
}

/** Who calls. The official client is what hosts use; raw lines leave the server's share alone. */
const STDIO_CLIENTS: readonly Caller[] = [
  {
    client: 'official client',
    connect: async () => (await import('./clients/official-client.js')).connectOfficialClient,
  },
  { client: 'raw lines', connect: async () => connectLineClient },
];

const HTTP_CLIENTS: readonly Caller[] = [
  {
    client: 'official client',
    connect: async () => (await import('./clients/http-client.js')).connectOfficialHttpClient,
  },
  {
    client: 'plain requests',
    connect: async () => (await import('./clients/http-client.js')).connectPlainHttpClient,
  },
];

export const mcp: Bench = {
  name: 'mcp',
  measures:
    'A tool call over stdio, and over HTTP on kept connections: round trip of one call after another, then calls per second with 32 in flight and the ' +
    "server's CPU time per call. Ours: execute, routed, on a service that does next to nothing. The peers: an echo " +
    'tool on the same SDK, bare and checked. Once with the official client, as hosts have it, and once with raw lines ' +
    'or plain requests, so that nothing but the server is left.',
  doesNotMeasure:
    'TLS and the sessions of the 2025 protocol; progress, cancel, big results; the service. The echo servers keep no ' +
    'task, and answer 80 to 110 bytes where execute answers a whole result. Over HTTP the echo server checks neither ' +
    'who calls nor how much, and ours does.',
  contestants: [
    ...STDIO_CLIENTS.flatMap((client) => [
      contestantOf('gaffr', noOpServer, 'stdio', client, { isOurs: true }),
      contestantOf('echo server', bareEchoServer, 'stdio', client, {
        note: 'the low-level Server; checks nothing',
      }),
      contestantOf('checked echo server', checkedEchoServer, 'stdio', client, {
        note: 'McpServer; checks input and output, answers structured content too',
      }),
    ]),
    ...HTTP_CLIENTS.flatMap((client) => [
      contestantOf('gaffr', noOpHttpServer, 'HTTP', client, { isOurs: true }),
      contestantOf('echo server', bareEchoHttpServer, 'HTTP', client, {
        note: "the low-level Server by the SDK's own handler and adapter; no token, no limit",
      }),
    ]),
  ],
  metric: { name: 'roundTripP50Ms', better: 'lower' },
  figureColumns: { roundTripP50Ms: 'round trip p50 (ms)', roundTripP95Ms: 'p95 (ms)' },
};

function contestantOf(
  label: string,
  server: ServerUnderTest,
  wire: 'stdio' | 'HTTP',
  { client, connect }: Caller,
  rest: Pick<Contestant, 'isOurs' | 'note'>,
): Contestant {
  return {
    name: wire === 'stdio' ? `${label}, ${client}` : `${label}, ${wire}, ${client}`,
    label,
    group: `${wire}, ${client}`,
    ...rest,
    run: async () => runCalls(server, await connect()),
  };
}

async function runCalls(server: ServerUnderTest, connect: ConnectClient): Promise<Sample> {
  const client = await connect(server.args);
  await callMany(client, server, WARM_UP_CALLS, IN_FLIGHT);
  await callMany(client, server, WARM_UP_CALLS, 1);

  const roundTripsMs: number[] = [];
  for (let index = 0; index < SINGLE_CALLS; index += 1) {
    const sentMs = performance.now();
    await server.call(client, index);
    roundTripsMs.push(performance.now() - sentMs);
  }

  const cpuBefore = await client.cpuMicros();
  const startedMs = performance.now();
  await callMany(client, server, PARALLEL_CALLS, IN_FLIGHT);
  const wallMs = performance.now() - startedMs;
  const cpuMicros = (await client.cpuMicros()) - cpuBefore;
  await client.close();
  const figures = {
    roundTripP50Ms: percentile(roundTripsMs, 0.5),
    roundTripP95Ms: percentile(roundTripsMs, 0.95),
  };
  return { tasks: PARALLEL_CALLS, wallMs, cpuMicros, figures };
}

async function callMany(
  client: ToolClient,
  server: ServerUnderTest,
  calls: number,
  inFlight: number,
): Promise<void> {
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < calls) await server.call(client, next++);
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
}
