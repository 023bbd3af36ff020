import { existsSync, readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Sample } from './bench.js';
import type { Stopwatch } from './stopwatch.js';

/** Time that a function spent in its own code. */
export interface FunctionCost {
  readonly function: string;
  /** File without its folder's path, and line; empty for the engine's own. */
  readonly at: string;
  readonly microsPerTask: number;
  /** Share of all sampled time, 0 to 1. */
  readonly share: number;
}

/** Microseconds between two samples of the profiler. */
const SAMPLING_MICROS = 100;

/** A stopwatch that samples the stack too; its timings are a little longer for it. */
export class ProfilingStopwatch implements Stopwatch {
  readonly #inner: Stopwatch;
  /** Of the last timing, the costliest first. */
  costs: readonly FunctionCost[] = [];

  constructor(inner: Stopwatch) {
    this.#inner = inner;
  }

  async time<T>(tasks: number, work: () => Promise<T>): Promise<Sample & { readonly value: T }> {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_MICROS });
    const timed = await this.#inner.time(tasks, async () => {
      await session.post('Profiler.start');
      return work();
    });
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    this.costs = costsOf(profile, tasks);
    return timed;
  }
}

/** Adds up the time of each function, wherever it was called from; waiting is left out. */
function costsOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile, tasks: number): FunctionCost[] {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const microsByPlace = new Map<string, number>();
  let all = 0;
  for (const [index, id] of samples.entries()) {
    const place = places.get(id) ?? '';
    if (place.startsWith('(idle)')) continue;
    const micros = timeDeltas[index] ?? 0;
    microsByPlace.set(place, (microsByPlace.get(place) ?? 0) + micros);
    all += micros;
  }
  return [...microsByPlace]
    .sort(([, a], [, b]) => b - a)
    .map(([place, micros]) => {
      const [name = '', at = ''] = place.split('\t');
      return { function: name, at, microsPerTask: micros / tasks, share: micros / all };
    });
}

function placeOf({ functionName, url, lineNumber, columnNumber }: Profiler.ProfileNode['callFrame']): string {
  const name = functionName || '(anonymous)';
  if (url === '') return `${name}\t`;
  const origin = mapOf(url)?.findEntry(lineNumber, columnNumber);
  return origin !== undefined && 'originalSource' in origin
    ? `${name}\t${origin.originalSource.replace(/^(?:\.\.\/)+/, '')}:${origin.originalLine + 1}`
    : `${name}\t${shortened(url)}:${lineNumber + 1}`;
}

const maps = new Map<string, SourceMap | undefined>();

/** The source map of a file of dist: what was joined is told by the files it came from. */
function mapOf(url: string): SourceMap | undefined {
  if (!maps.has(url)) {
    const file = url.startsWith('file:') ? `${fileURLToPath(url)}.map` : '';
    maps.set(url, existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined);
  }
  return maps.get(url);
}

/** The path within its package, or within the checkout. */
function shortened(url: string): string {
  const [, inPackage] = url.split(/.*\/node_modules\//);
  return inPackage ?? url.replace(/^file:.*?\/(?=dist\/|out\/bench\/)/, '');
}
