import type { Bench, Contestant, Sample } from './bench.js';
import { connectLineClient } from './clients/line-client.js';
import { bareEchoServer, gaffrServe, noOpServer, type ServerUnderTest } from './contestants/servers.js';
import type { Stopwatch } from './stopwatch.js';

export const start: Bench = {
  name: 'start',
  measures:
    'Milliseconds from the start of a server process to its first tool answer over stdio, and its CPU time until then; ' +
    'then how long an import takes in a process that has loaded nothing else.',
  doesNotMeasure:
    'A cold disk: the files are in the page cache. Packages that a service loads when it first works (OCR, solver, mathjs).',
  contestants: [
    serverContestant('gaffr serve', gaffrServe, {
      isOurs: true,
      note: 'the command, with the built-in services; first answer of explainRoute',
    }),
    serverContestant('gaffr, one no-op service', noOpServer, {
      isOurs: true,
      note: 'first answer of execute',
    }),
    serverContestant('echo server', bareEchoServer),
    importContestant("import 'gaffr'", () => import('gaffr'), { isOurs: true }),
    importContestant(
      "import 'xstate', 'zod' and 'pino'",
      () => Promise.all([import('xstate'), import('zod'), import('pino')]),
      { note: 'what gaffr stands on; at most 1.5 times their CPU time is the aim' },
    ),
  ],
  metric: { name: 'milliseconds', better: 'lower' },
  figureColumns: { milliseconds: 'ms' },
};

function serverContestant(
  name: string,
  server: ServerUnderTest,
  rest: Pick<Contestant, 'isOurs' | 'note'> = {},
): Contestant {
  return { name, group: 'process start to first tool answer', ...rest, run: () => runStart(server) };
}

function importContestant(
  name: string,
  load: () => Promise<unknown>,
  rest: Pick<Contestant, 'isOurs' | 'note'>,
): Contestant {
  return { name, group: 'import', ...rest, run: (stopwatch) => runImport(stopwatch, load) };
}

async function runStart(server: ServerUnderTest): Promise<Sample> {
  const startedMs = performance.now();
  const client = await connectLineClient(server.args);
  await server.call(client, 0);
  const wallMs = performance.now() - startedMs;
  const cpuMicros = await client.cpuMicros();
  await client.close();
  return { tasks: 1, wallMs, cpuMicros, figures: { milliseconds: wallMs } };
}

async function runImport(stopwatch: Stopwatch, load: () => Promise<unknown>): Promise<Sample> {
  const { value: _, ...sample } = await stopwatch.time(1, load);
  return { ...sample, figures: { milliseconds: sample.wallMs } };
}
