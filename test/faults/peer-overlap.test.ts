import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { expect, it } from 'vitest';
import { createOrchestrator, ExecutionConfig } from '../../src/index.js';

/** Work that ignores its signal and outlasts its timeout, and how many of it ran at once. */
function deafWork() {
  let running = 0;
  let most = 0;
  const run = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await sleep(40);
    running -= 1;
  };
  return { run, most: () => most };
}

it('fault S5 with concurrency 1 and a timeout two attempts never really run at once, as they do in a peer', async () => {
  const ours = deafWork();
  const orchestrator = createOrchestrator({
    services: { deaf: { service: ours.run, concurrency: 1 } },
    config: ExecutionConfig.create({ timeoutSeconds: 0.01, maxRetries: 0 }),
  });
  const results = await orchestrator.executeParallel(['a', 'b', 'c', 'd']);
  expect(results.map(({ status }) => status)).toEqual(['timed_out', 'timed_out', 'timed_out', 'timed_out']);
  await orchestrator.close({ drainSeconds: 0 });

  const peers = deafWork();
  const queue = new PQueue({ concurrency: 1, timeout: 10 });
  await Promise.allSettled(['a', 'b', 'c', 'd'].map(() => queue.add(peers.run)));

  expect({ ours: ours.most(), peer: peers.most() > 1 }).toEqual({ ours: 1, peer: true });
});
