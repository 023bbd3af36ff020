/** gaffr's server as `gaffr serve` runs it, over one service that does next to nothing. */
import { createOrchestrator } from 'gaffr';
import { inMicrotask } from '../contestants/load.js';

type ServeModule = typeof import('../../dist/cli/commands/serve.js');
type LogModule = typeof import('../../dist/cli/stderr-log.js');

// The package exports no server, and this file runs from out/bench/servers.
const cli = new URL('../../../dist/cli/', import.meta.url);
const { serveUntilEnd } = (await import(new URL('commands/serve.js', cli).href)) as ServeModule;
const { stderrLog } = (await import(new URL('stderr-log.js', cli).href)) as LogModule;

const log = stderrLog('info');
const orchestrator = createOrchestrator({ services: { length: inMicrotask }, log });
process.exit(await serveUntilEnd(orchestrator, { log, version: '1.0.0' }));
