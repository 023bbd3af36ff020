import type { RuntimeEvent } from '../../core/events.js';
import type { OrchestratorStats } from '../../core/orchestrator-port.js';
import type { ServiceStatus } from '../../core/service.js';
import { Latencies, type LatencySummary } from './latencies.js';

/** One second of a service, or of all of them. */
export interface Sample extends LatencySummary {
  /** Tasks that ended in this second. */
  readonly ended: number;
  readonly queued: number;
  readonly running: number;
}

/** How many seconds are kept. */
const KEPT_SECONDS = 120;

/** Name under which the figures of all services stand; no service has an empty name. */
const ALL = '';

/** Owns: the figures of the last {@link KEPT_SECONDS}, second by second, for each service and for all. */
export class Throughput {
  readonly #meters = new Map<string, { readonly latencies: Latencies; ended: number }>();
  readonly #samples = new Map<string, Sample[]>();

  take(event: RuntimeEvent): void {
    if (event.type !== 'settled') return;
    // A cancelled task tells nothing of its service.
    const { service, status, result, atMs } = event;
    const names = service === null ? [ALL] : [ALL, service];
    for (const name of names) {
      const meter = this.#meterOf(name);
      meter.ended += 1;
      if (status !== 'cancelled' && result.attempts > 0) {
        meter.latencies.add(result.executionTime * 1000, result.success, atMs);
      }
    }
  }

  /** Ends a second: returns its samples by service, and keeps them. */
  sample(
    services: readonly ServiceStatus[],
    stats: OrchestratorStats,
    nowMs: number,
  ): Readonly<Record<string, Sample>> {
    const known = new Set([ALL, ...services.map(({ name }) => name)]);
    for (const map of [this.#meters, this.#samples]) {
      for (const name of map.keys()) if (!known.has(name)) map.delete(name);
    }
    const samples = services.map(({ name, queued, instances }) =>
      this.#sampleOf(name, { queued, running: instances.busy }, nowMs),
    );
    return Object.fromEntries([this.#sampleOf(ALL, stats, nowMs), ...samples]);
  }

  /** The samples so far, oldest first, by service. */
  get history(): Readonly<Record<string, readonly Sample[]>> {
    return Object.fromEntries(this.#samples);
  }

  #sampleOf(
    name: string,
    { queued, running }: { readonly queued: number; readonly running: number },
    nowMs: number,
  ): [string, Sample] {
    const meter = this.#meterOf(name);
    const sample = { ended: meter.ended, queued, running, ...meter.latencies.summary(nowMs) };
    meter.ended = 0;
    const samples = this.#samples.get(name) ?? [];
    samples.push(sample);
    if (samples.length > KEPT_SECONDS) samples.shift();
    this.#samples.set(name, samples);
    return [name, sample];
  }

  #meterOf(name: string): { readonly latencies: Latencies; ended: number } {
    let meter = this.#meters.get(name);
    if (meter === undefined) {
      meter = { latencies: new Latencies(), ended: 0 };
      this.#meters.set(name, meter);
    }
    return meter;
  }
}
