import { parseOrMisuse } from './core/config.js';
import { type EngineOptions, engineOptionsSchema } from './core/engine-config.js';
import { engineCannot, misuse } from './core/errors.js';
import { guardedLog } from './core/guarded-log.js';
import { warningLog } from './core/warning-log.js';
import { WorkerEngine } from './engines/restate/worker-engine.js';
import { createOrchestrator, type Orchestrator, type OrchestratorOptions } from './orchestrator.js';

/** What a worker is made from: the services and limits of an orchestrator, and where it is reached. */
export interface WorkerOptions extends Omit<OrchestratorOptions, 'engine'> {
  /** The engine whose tasks it runs: `{ kind: 'restate', … }`. */
  readonly engine: EngineOptions;
  /** Address that it listens on. Default `127.0.0.1`; requests are not authenticated without `identityKeys`. */
  readonly host?: string;
  /** Default 9080; 0 is any free one. */
  readonly port?: number;
  /**
   * Where the server reaches this worker, or the balancer before several of them. Default: `http://host:port`. The tasks
   * that were begun at an address go on there only: a worker that is started again keeps it, and several workers share one.
   */
  readonly url?: string;
  /** Public keys of the servers whose requests are taken, `publickeyv1_…`. Default: every request is. */
  readonly identityKeys?: readonly string[];
}

/** A worker at work. */
export interface Worker {
  /** Where the server reaches it. */
  readonly url: string;
  /** What runs the attempts, to look at: it accepts no tasks of its own. */
  readonly orchestrator: Orchestrator;
  /** Lets running attempts end for `drainSeconds`, hands the rest back to the server, and closes the services. */
  close(options?: { readonly drainSeconds?: number }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a worker: a process that runs the attempts of tasks which orchestrators with the same engine accept.
 *
 * @throws TypeError for options that are not valid.
 * @throws OrchestratorError `MISSING_PACKAGE`, and `ENGINE_UNAVAILABLE` when the server is away, too old or set up without
 * flow control.
 * @example
 * const worker = await startWorker({ services: { echo: (task) => task }, engine: { kind: 'restate' } });
 * await worker.close();
 */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { host = '127.0.0.1', port = 9080, url, identityKeys = [], engine: given, ...others } = options;
  const engine = parseOrMisuse(engineOptionsSchema, given, 'engine');
  if (engine.kind !== 'restate')
    throw engineCannot(engine.kind, 'has no workers', "use engine: { kind: 'restate' }");
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw misuse(`port must be a whole number from 0 to 65535; got ${port}.`);
  const log = guardedLog(options.log ?? warningLog);
  const worker = new WorkerEngine(engine, {
    log,
    failsWhenUnavailable: options.config?.routingConfig?.onUnavailable === 'fail',
  });
  const { config } = others;
  const orchestrator = createOrchestrator({
    ...others,
    // A service whose circuit is open here must not hold a slot while it waits.
    config: { ...config, routingConfig: { ...config?.routingConfig, onUnavailable: 'fail' } },
    engine: worker,
  });
  const close: Worker['close'] = async (closing) => {
    worker.stop();
    await orchestrator.close(closing);
  };
  try {
    const reached = await worker.open({ host, port, url, identityKeys });
    return { url: reached, orchestrator, close, [Symbol.asyncDispose]: () => close() };
  } catch (cause) {
    await close({ drainSeconds: 0 });
    throw cause;
  }
}
