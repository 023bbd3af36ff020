import { expect, it } from 'vitest';
import { ExecutionConfig, type OrchestratorOptions, type ServiceFunction } from '../../src/index.js';
import { drained, simulated } from '../support/simulation.js';

/** Two services whose tasks take so long, in milliseconds of simulated time, and one parallel slot. */
function twoServices(taskMs: number, options: OrchestratorOptions = {}) {
  const started: string[] = [];
  const world = simulated({
    services: { a: lasting, b: lasting },
    config: ExecutionConfig.create({ maxParallel: 1, startPaused: true }),
    ...options,
  });
  const { clock, orchestrator } = world;
  function lasting(task: string): ReturnType<ServiceFunction> {
    started.push(task);
    return new Promise((resolve) => clock.setTimeout(() => resolve(task), taskMs));
  }
  return {
    orchestrator,
    started,
    submit: (service: string, count: number, priority = 0): void => {
      for (let index = 0; index < count; index += 1) {
        void orchestrator.execute(`${service}${index}`, { service, priority });
      }
    },
    /** Lets so many tasks end. */
    run: async (tasks: number): Promise<void> => {
      await drained();
      orchestrator.resume();
      for (let index = 0; index < tasks; index += 1) {
        await drained();
        clock.increment(taskMs);
      }
      await drained();
    },
  };
}

/** How many tasks of one service started in a row, row by row. */
function rowsOf(started: readonly string[]): number[] {
  const rows: number[] = [];
  let last = '';
  for (const [service = ''] of started) {
    if (service === last) rows.push((rows.pop() ?? 0) + 1);
    else rows.push(1);
    last = service;
  }
  return rows;
}

it('a service whose tasks take less than five milliseconds keeps its slot for sixteen tasks, then it is the turn of another', async () => {
  const world = twoServices(4);
  world.submit('a', 40);
  world.submit('b', 40);
  await world.run(80);
  expect(rowsOf(world.started)).toEqual([16, 16, 16, 16, 8, 8]);
});

it('a service of very quick tasks keeps its slot for four milliseconds', async () => {
  const world = twoServices(0.0625);
  world.submit('a', 130);
  world.submit('b', 130);
  await world.run(260);
  expect(rowsOf(world.started)).toEqual([64, 64, 64, 64, 2, 2]);
});

it('tasks of five milliseconds and more take strict turns', async () => {
  const world = twoServices(5);
  world.submit('a', 10);
  world.submit('b', 10);
  await world.run(20);
  expect(rowsOf(world.started)).toEqual(Array.from({ length: 20 }, () => 1));
});

it('a slot is never kept past a task of higher priority', async () => {
  const world = twoServices(0.25);
  world.submit('a', 14);
  await world.run(6);
  world.submit('b', 2, 5);
  await world.run(20);
  expect(rowsOf(world.started)).toEqual([7, 2, 7]);
});

it('a slot is not kept while paused, nor by a service that was removed', async () => {
  const world = twoServices(0.25);
  world.submit('a', 10);
  world.submit('b', 10);
  await world.run(4);
  world.orchestrator.pause();
  const before = world.started.length;
  await world.run(0);
  expect(world.started.length).toBeGreaterThanOrEqual(before);
  world.orchestrator.registry.unregister('a');
  await world.run(30);
  expect(world.started.slice(before + 1).every((task) => task.startsWith('b'))).toBe(true);
});

it('instances stay busy while they hand over: two changes of state for a row, and whoever watches sees each task come', async () => {
  const changes: unknown[] = [];
  const assigned: string[] = [];
  const world = twoServices(0.25, {
    inspect: (event) => {
      if (event.type !== '@xstate.snapshot' || !('value' in event.snapshot)) return;
      if (event.event.type === 'ASSIGN') assigned.push(event.event.task.text);
      if (event.event.type === 'RELEASE') changes.push(event.snapshot.value);
    },
  });
  world.submit('a', 17);
  world.submit('b', 17);
  await world.run(34);
  // A row of sixteen and one more task for each of the two.
  expect(rowsOf(world.started)).toEqual([16, 16, 1, 1]);
  expect(assigned).toEqual(world.started);
  expect(changes).toEqual(['idle', 'idle', 'idle', 'idle']);
});
