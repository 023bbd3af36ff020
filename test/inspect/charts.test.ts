import { expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { layOutChart, type PlacedState } from '../../src/inspect/chart-layout.js';
import { activeStateOf, chartOf } from '../../src/inspect/machine-chart.js';
import { serviceMachine } from '../../src/machines/service.machine.js';
import { supervisorMachine } from '../../src/machines/supervisor.machine.js';

it('chartOf() reads states, nested ones too, and the transitions that change the state', () => {
  const chart = chartOf(supervisorMachine);

  expect(chart.states.map(({ id, parent, isFinal }) => [id, parent, isFinal])).toEqual([
    ['running', null, false],
    ['running.active', 'running', false],
    ['running.paused', 'running', false],
    ['draining', null, false],
    ['stopped', null, true],
  ]);
  expect(chart.edges).toContainEqual({
    from: 'draining',
    to: 'stopped',
    labels: ['STOP', 'always [hasNoOpenTasks]'],
    notes: ['The time to drain is over.', 'The last task has its result.'],
  });
});

it.each([supervisorMachine, serviceMachine])('every state of machine $id has a description', (machine) => {
  const { description, states } = chartOf(machine);

  expect(description).not.toBe('');
  expect(states.filter((state) => state.description === '')).toEqual([]);
});

it.each([true, false])(
  'layOutChart() places states side by side and edges between their borders',
  (hasLabels) => {
    const { states, edges, width, height } = layOutChart(chartOf(serviceMachine), hasLabels);
    const overlaps = (a: PlacedState, b: PlacedState): boolean =>
      a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

    expect(states.flatMap((a, index) => states.slice(index + 1).filter((b) => overlaps(a, b)))).toEqual([]);
    expect(edges).toHaveLength(10);
    for (const { points, label } of edges) {
      expect(points.length).toBeGreaterThan(1);
      expect(label === null).toBe(!hasLabels);
      for (const { x, y } of points) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThanOrEqual(width);
        expect(y).toBeGreaterThanOrEqual(0);
        expect(y).toBeLessThanOrEqual(height);
      }
    }
  },
);

it('layOutChart() leads edges of a state with states inside from its border', () => {
  const { states, edges } = layOutChart(chartOf(supervisorMachine), false);
  const running = states.find(({ id }) => id === 'running') as PlacedState;
  const drain = edges.find(({ from, to }) => from === 'running' && to === 'draining');
  const [start] = drain?.points ?? [];
  const onBorder =
    start?.x === running.x + running.width ||
    start?.y === running.y + running.height ||
    start?.x === running.x ||
    start?.y === running.y;

  expect(onBorder).toBe(true);
});

it.each([
  ['idle', 'idle'],
  [{ running: 'active' }, 'running.active'],
  [{ a: { b: 'c' } }, 'a.b.c'],
])('activeStateOf(%j) is %s', (value, expected) => {
  expect(activeStateOf(value)).toBe(expected);
});

it('chartOf() tells what the names of a machine mean, and nothing of one that says nothing', () => {
  const { terms } = layOutChart(chartOf(serviceMachine), true);
  expect(terms).toContainEqual({
    kind: 'guard',
    name: 'isCircuitOpen',
    text: 'The circuit of the service is open.',
  });
  expect(new Set(terms.map(({ kind }) => kind))).toEqual(new Set(['event', 'guard', 'action', 'delay']));
  expect(layOutChart(chartOf(serviceMachine), false).terms).toEqual([]);
  for (const meta of [undefined, null, 7, { glossary: 'x' }, { glossary: { events: { GO: 1 } } }]) {
    expect(chartOf(createMachine({ meta, states: {} } as object)).terms).toEqual([]);
  }
});
