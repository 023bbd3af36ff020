import type { Bench } from './bench.js';

/** Loaded one by one: a child process holds the code of its own bench only. */
const LOADERS: Readonly<Record<string, (dataFolder?: string) => Promise<Bench>>> = {
  supervision: async () => (await import('./supervision.bench.js')).supervision,
  growth: async () => (await import('./growth.bench.js')).growth,
  features: async () => (await import('./features.bench.js')).features,
  mcp: async () => (await import('./mcp.bench.js')).mcp,
  engines: async () => (await import('./engines.bench.js')).engines,
  start: async () => (await import('./start.bench.js')).start,
  inspect: async () => (await import('./inspect.bench.js')).inspect,
  routing: async (dataFolder) => (await import('./routing.bench.js')).createRoutingBench(dataFolder),
  profile: async () => (await import('./profile.bench.js')).profile,
};

/** Names of all benches, in the order in which `all` runs them. */
export const BENCH_NAMES: readonly string[] = Object.keys(LOADERS);

/**
 * @param dataFolder - Data beyond what the bench has of its own, for those that take some.
 * @throws Error when there is no bench of this name, or it cannot use the folder.
 */
export async function findBench(name: string, dataFolder?: string): Promise<Bench> {
  const load = LOADERS[name];
  if (load === undefined) {
    throw new Error(`There is no bench "${name}"; known: ${BENCH_NAMES.join(', ')}, all.`);
  }
  return load(dataFolder);
}
