import { createOrchestrator, type Orchestrator, type ServiceContext } from 'gaffr';

/** Services that tell what happens to them, for the tests of every framework. */
export function office(): { readonly orchestrator: Orchestrator; readonly seen: string[] } {
  const seen: string[] = [];
  const orchestrator = createOrchestrator({
    services: {
      echo: {
        description: 'Repeats what it is told',
        execute: (task: string, { kwargs, progress }: ServiceContext) => {
          seen.push(`echo ${task}`);
          progress(0.5, 'half way');
          return { said: task, kwargs };
        },
      },
      broken: {
        description: 'Always fails',
        execute: () => {
          throw new Error('out of order');
        },
      },
      slow: {
        description: 'Takes its time until it is stopped',
        execute: (task: string, { signal, progress }: ServiceContext) =>
          new Promise((_resolve, reject) => {
            seen.push(`slow started ${task}`);
            progress(0.25, 'reading');
            signal.addEventListener('abort', () => {
              seen.push(`slow aborted ${task}`);
              reject(signal.reason);
            });
          }),
      },
    },
    config: { taskConfig: { retryOnFailure: false }, routingConfig: { fallbackService: 'echo' } },
  });
  return { orchestrator, seen };
}

/** Waits until something holds, by turns of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  const endsAtMs = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > endsAtMs) throw new Error(`it did not come about: ${holds}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
