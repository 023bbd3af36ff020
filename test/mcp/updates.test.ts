import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { ChangeListener } from '../../src/core/orchestrator-port.js';
import { Updates } from '../../src/mcp/resources/updates.js';
import { fakeOrchestrator } from '../support/fake-orchestrator.js';

/** Updates over an orchestrator and runs whose changes a test makes. */
function setUp() {
  const clock = new SimulatedClock();
  const services = new Set<ChangeListener>();
  const runs = new Set<(runId: string) => void>();
  const watch =
    <L>(listeners: Set<L>) =>
    (listener: L) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    };
  const updates = new Updates({
    orchestrator: fakeOrchestrator({ watch: watch(services) }),
    runs: { get: () => '{}', watch: watch(runs) },
    clock,
  });
  const told: string[] = [];
  return {
    updates,
    told,
    note: (uri: string) => void told.push(uri),
    advance: (ms: number) => clock.increment(ms),
    change: (service: string | null) => services.forEach((tell) => void tell(service)),
    changeRun: (id: string) => runs.forEach((tell) => void tell(id)),
    watchers: () => services.size + runs.size,
  };
}

describe('Updates', () => {
  it('tells of the first change at once, of many once in 250 ms, and always of the last', () => {
    const { updates, told, note, advance, change } = setUp();
    updates.subscribe('gaffr://services', note);
    for (let count = 0; count < 100; count++) change('a');
    expect(told).toHaveLength(1);
    advance(249);
    expect(told).toHaveLength(1);
    advance(1);
    expect(told).toHaveLength(2);
    advance(1000);
    expect(told).toHaveLength(2);
    change('a');
    expect(told).toHaveLength(3);
  });

  it('tells the services, the stats and the one service, and nobody else', () => {
    const { updates, told, note, change } = setUp();
    for (const uri of ['gaffr://services', 'gaffr://stats', 'gaffr://services/a', 'gaffr://services/b'])
      updates.subscribe(uri, note);
    change('a');
    expect(told.sort()).toEqual(['gaffr://services', 'gaffr://services/a', 'gaffr://stats']);
  });

  it('tells of runs by their id, in the words in which they were asked for', () => {
    const { updates, told, note, changeRun, change } = setUp();
    updates.subscribe('gaffr://runs/a%62', note);
    changeRun('other');
    change('ab');
    changeRun('ab');
    expect(told).toEqual(['gaffr://runs/a%62']);
  });

  it('watches only while somebody subscribes', () => {
    const { updates, note, watchers } = setUp();
    expect(watchers()).toBe(0);
    const first = updates.subscribe('gaffr://services/a', note);
    const second = updates.subscribe('gaffr://stats', note);
    expect(watchers()).toBe(1);
    const third = updates.subscribe('gaffr://runs/1', note);
    expect(watchers()).toBe(2);
    first();
    first();
    third();
    expect(watchers()).toBe(1);
    second();
    expect(watchers()).toBe(0);
  });

  it('says nothing after the end of a subscription, not even what was owed', () => {
    const { updates, told, note, advance, change } = setUp();
    const end = updates.subscribe('gaffr://services', note);
    change(null);
    change(null);
    end();
    advance(1000);
    change(null);
    expect(told).toHaveLength(1);
  });

  it('tells a listener once that was given twice, until both have ended', () => {
    const { updates, told, note, advance, change } = setUp();
    const first = updates.subscribe('gaffr://stats', note);
    const second = updates.subscribe('gaffr://stats', note);
    change(null);
    expect(told).toHaveLength(1);
    first();
    advance(250);
    change(null);
    expect(told).toHaveLength(2);
    second();
    advance(250);
    change(null);
    expect(told).toHaveLength(2);
  });

  it('never changes what never changes, and takes any address', () => {
    const { updates, note, watchers } = setUp();
    const ends = ['gaffr://machines/service', 'file:///etc/passwd', ''].map((uri) =>
      updates.subscribe(uri, note),
    );
    expect(watchers()).toBe(0);
    for (const end of ends) end();
  });

  it('lives beside an orchestrator that tells of no changes', () => {
    const updates = new Updates({ orchestrator: fakeOrchestrator(), clock: new SimulatedClock() });
    updates.subscribe('gaffr://services', () => {})();
    updates.subscribe('gaffr://runs/1', () => {})();
  });
});
