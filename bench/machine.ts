import { arch, cpus, loadavg, platform, totalmem } from 'node:os';

/** Where and when a bench ran. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly platform: string;
  readonly node: string;
  /** Day of the run, ISO 8601. */
  readonly day: string;
  /** Processes that wanted a core in the minute before the bench, on average: above 0.2 or so the machine was not quiet. */
  readonly loadAverageBefore: number;
  /** The same in the last minute of the bench, the bench itself included. */
  readonly loadAverageAfter: number;
}

export function machineFacts(): Machine {
  const load = Number((loadavg()[0] as number).toFixed(2));
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    platform: `${platform()} ${arch()}`,
    node: process.versions.node,
    day: new Date().toISOString().slice(0, 10),
    loadAverageBefore: load,
    loadAverageAfter: load,
  };
}
