import type { ServiceInput, TaskOptions, TaskResult } from 'gaffr';
import type { Work } from './load.js';
import { MAX_PARALLEL, type OpenQueue, type PausableQueue, runAll } from './queue.js';

/** How ours is set up. */
export interface Shape {
  readonly services: number;
  /** Instances of each service. */
  readonly concurrency: number;
  /** False: every event goes through XState's interpreter. */
  readonly fastLane: boolean;
}

/**
 * An orchestrator and `execute()` per task. With one service the tasks name none and the router finds it; with several
 * each names its own, in turns, by one of the options objects that were made beforehand.
 */
export function openGaffr({ services, concurrency, fastLane }: Shape): OpenQueue<PausableQueue> {
  return async (work: Work) => {
    const { createOrchestrator, ExecutionConfig } = await import('gaffr');
    const names = Array.from({ length: services }, (_, index) => `service${index}`);
    const orchestrator = createOrchestrator({
      services: Object.fromEntries(
        names.map((name): [string, ServiceInput] => [name, { service: work, concurrency }]),
      ),
      config: ExecutionConfig.create({
        maxParallel: MAX_PARALLEL,
        mailboxCapacity: Number.POSITIVE_INFINITY,
      }),
      fastLane,
    });
    const options = names.map((service): TaskOptions => ({ service }));
    let turn = 0;
    const submit =
      services === 1
        ? (text: string) => orchestrator.execute(text)
        : (text: string) => orchestrator.execute(text, options[turn++ % services]);
    return {
      submit,
      run: runAll(submit),
      pause: () => void orchestrator.pause(),
      resume: () => void orchestrator.resume(),
    };
  };
}

/** What the service returned, from our result. */
export function answerIn(result: unknown): unknown {
  const { success, result: value } = result as TaskResult;
  return success ? value : undefined;
}
