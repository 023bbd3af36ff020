// A server for fuzzing and draining: quick services that misbehave a little, over stdio, or over HTTP with `--http 0`.
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveUntilEnd } from '../../src/cli/commands/serve.js';
import { serveOverHttp } from '../../src/cli/commands/serve-over-http.js';
import { endOnFatalFault } from '../../src/cli/fatal-fault.js';
import { parseFlags } from '../../src/cli/flags.js';
import { HTTP_FLAGS, httpSettingsOf } from '../../src/cli/http-flags.js';
import { stderrLog } from '../../src/cli/stderr-log.js';
import type { ServiceContext } from '../../src/core/service.js';
import { createOrchestrator } from '../../src/orchestrator.js';

const tell = (line: string) => void process.stderr.write(`${line}\n`);
const log = stderrLog('info');
endOnFatalFault(log);

const services = {
  echo: (task: string) => `echo ${task}`,
  async slow(_task: string, { signal, progress }: ServiceContext) {
    for (let step = 1; step <= 3; step += 1) {
      await sleep(3, undefined, { signal });
      progress(step / 3, `step ${step}`);
    }
    return 'slow';
  },
  print(task: string) {
    console.log('{"jsonrpc":"2.0","id":1,"result":"a stray line"}');
    return `printed ${task}`;
  },
  strange() {
    const node: Record<string, unknown> = { big: 2n ** 64n, at: new Date(0) };
    node.self = node;
    return node;
  },
  fails() {
    throw new Error('no luck');
  },
  big: () => 'x'.repeat(100_000),
  // Runs until it is told to stop.
  forever: (_task: string, { signal }: ServiceContext) => sleep(3_600_000, undefined, { signal }),
};

// A machine that is busy with other work says nothing about this server: what its main thread waited for a processor from
// the request to stop on is told at the end.
let waitedBeforeMs = 0;
process.once('SIGTERM', () => {
  waitedBeforeMs = waitedForProcessorMs();
});
process.once('exit', () => tell(`waited for a processor: ${waitedForProcessorMs() - waitedBeforeMs} ms`));

/** Linux counts it, in nanoseconds; elsewhere it is 0. */
function waitedForProcessorMs(): number {
  if (!existsSync('/proc/self/schedstat')) return 0;
  return Math.round(Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6);
}

const settings = await httpSettingsOf(parseFlags(process.argv.slice(2), HTTP_FLAGS));
const orchestrator = createOrchestrator({
  services,
  config: {
    taskConfig: { maxParallel: 100, retryOnFailure: false, drainSeconds: 0.5, timeoutSeconds: 3600 },
    // A task of a service that has failed often would wait until it is tried again.
    routingConfig: { fallbackService: 'echo', onUnavailable: 'fail' },
  },
  log,
});
const options = { log, version: '0.0.0-test' };
process.exit(
  settings === undefined
    ? await serveUntilEnd(orchestrator, options)
    : await serveOverHttp(orchestrator, { ...options, settings, tell }),
);
