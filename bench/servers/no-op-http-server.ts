/** gaffr's server as `gaffr serve --http` runs it, over one service that does next to nothing. Prints its address. */
import { createOrchestrator } from 'gaffr';
import { serveHttp } from 'gaffr/mcp';
import { BENCH_TOKEN } from '../clients/http-server.js';
import { inMicrotask } from '../contestants/load.js';

const orchestrator = createOrchestrator({ services: { length: inMicrotask } });
const server = await serveHttp(orchestrator, {
  host: '127.0.0.1',
  port: 0,
  auth: { token: BENCH_TOKEN },
  // The bench calls as fast as it can, which is what this limit is against.
  limits: { callsPerSecond: Number.POSITIVE_INFINITY },
  version: '1.0.0',
});
process.stdout.write(`${server.url}\n`);
process.once('SIGTERM', () => process.exit(0));
