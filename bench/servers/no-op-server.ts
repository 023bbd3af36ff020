/** gaffr's server as `gaffr serve` runs it, over one service that does next to nothing. */
import { createOrchestrator } from 'gaffr';
import { inMicrotask } from '../contestants/load.js';

type ServeModule = typeof import('../../dist/cli/commands/serve.js');

// The package exports no command, and this file runs from out/bench/servers.
const command = new URL('../../../dist/cli/commands/serve.js', import.meta.url);
const { serveUntilEnd } = (await import(command.href)) as ServeModule;

const print = (data: object, message: string): void => console.error(message, data);
const log = { debug: () => {}, info: print, warn: print, error: print };
const orchestrator = createOrchestrator({ services: { length: inMicrotask }, log });
process.exit(await serveUntilEnd(orchestrator, { log, version: '1.0.0' }));
