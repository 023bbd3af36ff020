import { expect, it } from 'vitest';
import { simulated } from '../support/simulation.js';

const services = { echo: (task: string) => task };

it('fault K2 the event log is bounded, keeps the latest in order and counts what fell out', async () => {
  const { orchestrator } = simulated({ services, keepEvents: 5 });
  const all: string[] = [];
  orchestrator.on('event', ({ type }) => all.push(type));
  await orchestrator.executeParallel(['a', 'b', 'c']);
  const { events, dropped } = orchestrator.recentEvents();
  expect(events.map(({ type }) => type)).toEqual(all.slice(-5));
  expect(dropped).toBe(all.length - 5);
});

it('keeps all while there is room, and nothing unless asked', async () => {
  const { orchestrator } = simulated({ services, keepEvents: 100 });
  await orchestrator.execute('a');
  expect(orchestrator.recentEvents()).toMatchObject({ dropped: 0 });
  expect(orchestrator.recentEvents().events.map(({ type }) => type)).toEqual([
    'submitted',
    'queued',
    'started',
    'settled',
  ]);
  expect(simulated({ services }).orchestrator.recentEvents()).toEqual({ events: [], dropped: 0 });
  expect(() => simulated({ services, keepEvents: -1 })).toThrow(/keepEvents/);
});
