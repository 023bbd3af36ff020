/** gaffr's server as `gaffr serve` runs it, over one service that does next to nothing. */
import { createOrchestrator } from 'gaffr';
import { inMicrotask } from '../contestants/load.js';

type StdioModule = typeof import('../../dist/mcp/stdio.js');

// The package exports no server over stdio, and this file runs from out/bench/servers.
const module = new URL('../../../dist/mcp/stdio.js', import.meta.url);
const { serveStdio } = (await import(module.href)) as StdioModule;

const print = (facts: object, message: string): void => console.error(message, facts);
const log = { debug: () => {}, info: print, warn: print, error: print };
const orchestrator = createOrchestrator({ services: { length: inMicrotask }, log });
const { exitCode } = await serveStdio(orchestrator, { log, version: '1.0.0' }).ended;
await orchestrator.close();
process.exit(exitCode);
