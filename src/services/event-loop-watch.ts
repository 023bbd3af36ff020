import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Log } from '../core/environment.js';

/** What {@link watchEventLoop} looks at. */
export interface EventLoopWatchOptions {
  /** A delay above this is reported, in milliseconds. Default 200. */
  readonly thresholdMs?: number;
  /** What runs just now: `() => orchestrator.runningTasks()`. */
  readonly running: () => readonly { readonly service: string }[];
  readonly log: Pick<Log, 'warn'>;
}

/** A running watch. */
export interface EventLoopWatch {
  /** Tells of an attempt that starts: one that blocks from its first to its last line is never seen to run. */
  started(service: string): void;
  stop(): void;
}

const DEFAULT_THRESHOLD_MS = 200;
/** How exactly delays are measured, in milliseconds. */
const RESOLUTION_MS = 10;
const CHECK_MS = 100;

/**
 * Warns when something blocks the event loop, naming the services that ran in that time: while it is blocked no other
 * task goes on, no timeout fires and no client is answered.
 *
 * @example
 * const watch = watchEventLoop({ running: () => orchestrator.runningTasks(), log });
 * orchestrator.on('event', (event) => event.type === 'started' && watch.started(event.service));
 */
export function watchEventLoop({
  thresholdMs = DEFAULT_THRESHOLD_MS,
  running,
  log,
}: EventLoopWatchOptions): EventLoopWatch {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const namesNow = (): string[] => running().map(({ service }) => service);
  let suspects = new Set<string>();

  const check = (): void => {
    // Those that ran at the last look, began since, or run now: one of them was at it.
    for (const name of namesNow()) suspects.add(name);
    const delayMs = Math.round(delays.max / 1e6 - RESOLUTION_MS);
    if (delayMs > thresholdMs) {
      log.warn(
        { delayMs, services: [...suspects] },
        'the event loop was blocked; run such a service with isolate: "thread" or "process"',
      );
    }
    delays.reset();
    suspects = new Set(namesNow());
  };

  delays.enable();
  const timer = setInterval(check, CHECK_MS);
  timer.unref();
  return {
    started: (service) => void suspects.add(service),
    stop: () => {
      clearInterval(timer);
      delays.disable();
    },
  };
}
