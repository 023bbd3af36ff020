import { afterEach, describe, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/index.js';
import { type EventLoopWatch, watchEventLoop } from '../../src/services/event-loop-watch.js';
import { eventually, sleep } from './isolation-support.js';

interface Warning {
  readonly delayMs: number;
  readonly services: readonly string[];
}

const stops: EventLoopWatch[] = [];
afterEach(() => {
  for (const watch of stops.splice(0)) watch.stop();
});

function watched(running: () => { service: string }[]): { watch: EventLoopWatch; warnings: Warning[] } {
  const warnings: Warning[] = [];
  const watch = watchEventLoop({ running, log: { warn: (facts) => void warnings.push(facts as Warning) } });
  stops.push(watch);
  return { watch, warnings };
}

function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

describe('watchEventLoop()', () => {
  it('fault S10: warns above 200 ms and names the services that ran', async () => {
    const orchestrator = createOrchestrator({
      services: {
        waits: () => sleep(600),
        blocks: () => block(300),
        idle: () => {},
      },
    });
    const { watch, warnings } = watched(() => orchestrator.runningTasks());
    orchestrator.on('event', (event) => event.type === 'started' && watch.started(event.service));
    const waits = orchestrator.execute('x', { service: 'waits' });
    await sleep(150);
    await orchestrator.execute('x', { service: 'blocks' });
    expect(await eventually(() => warnings.length > 0)).toBe(true);
    expect(warnings).toEqual([{ delayMs: expect.any(Number), services: ['waits', 'blocks'] }]);
    expect(warnings[0]?.delayMs).toBeGreaterThan(200);
    expect(warnings[0]?.delayMs).toBeLessThan(600);
    await waits;
    await orchestrator.close();
  });

  it('says nothing of short delays', async () => {
    const { warnings } = watched(() => [{ service: 'quick' }]);
    await sleep(50);
    block(60);
    await sleep(250);
    expect(warnings).toEqual([]);
  });

  it('stop() ends it', async () => {
    const { watch, warnings } = watched(() => []);
    watch.stop();
    block(300);
    await sleep(150);
    expect(warnings).toEqual([]);
  });
});
