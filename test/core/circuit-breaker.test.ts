import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../../src/core/circuit-breaker.js';

const policy = { failures: 3, cooldownMs: 100, cooldownCapMs: 300 };
const opened = (): CircuitBreaker => {
  const circuit = new CircuitBreaker(policy);
  for (let failure = 0; failure < 3; failure += 1) circuit.failed(circuit.epoch, 0);
  return circuit;
};

describe('CircuitBreaker', () => {
  it('opens at the configured number of failures in a row and not before', () => {
    const circuit = new CircuitBreaker(policy);
    expect([circuit.failed(0, 0), circuit.failed(0, 0), circuit.failed(0, 0)]).toEqual([false, false, true]);
    expect(circuit.state).toBe('open');
  });

  it('opens when half of the last 20 outcomes within 30 s failed, although never in a row', () => {
    const circuit = new CircuitBreaker({ ...policy, failures: 10 });
    let isOpen = false;
    for (let round = 0; round < 10; round += 1) {
      circuit.succeeded(0);
      isOpen = circuit.failed(0, round * 1000);
    }
    expect(isOpen).toBe(true);
  });

  it.each([11, 20, 21, 1000])('does not open before %i failures in a row', (failures) => {
    const circuit = new CircuitBreaker({ ...policy, failures });
    for (let count = 1; count < failures; count += 1) expect(circuit.failed(0, 0)).toBe(false);
    expect(circuit.failed(0, 0)).toBe(true);
  });

  it('opens at the configured number of failures among the last 20 outcomes when that is more than half', () => {
    const circuit = new CircuitBreaker({ ...policy, failures: 12 });
    for (let count = 0; count < 11; count += 1) expect(circuit.failed(0, 0)).toBe(false);
    circuit.succeeded(0);
    expect(circuit.failed(0, 0)).toBe(true);
  });

  it.each([21, Number.POSITIVE_INFINITY])(
    'counts only failures in a row when they are to be %d',
    (failures) => {
      const circuit = new CircuitBreaker({ ...policy, failures });
      for (let count = 0; count < 100; count += 1) {
        if (count % 20 === 19) circuit.succeeded(0);
        expect(circuit.failed(0, 0)).toBe(false);
      }
    },
  );

  it('forgets failures older than 30 s', () => {
    const circuit = new CircuitBreaker({ ...policy, failures: 10 });
    for (let round = 0; round < 40; round += 1) {
      circuit.succeeded(0);
      expect(circuit.failed(0, round * 10_000)).toBe(false);
    }
  });

  it('lets one probe out after the cool-down and none before', () => {
    const circuit = opened();
    expect(circuit.allows(99)).toBe(false);
    expect(circuit.allows(100)).toBe(true);
    circuit.beginProbe();
    expect(circuit.allows(100)).toBe(false);
  });

  it('closes on a good probe', () => {
    const circuit = opened();
    circuit.beginProbe();
    expect(circuit.succeeded(circuit.epoch)).toBe(true);
    expect(circuit.allows(0)).toBe(true);
  });

  it('doubles the cool-down with each bad probe up to the cap, for ever', () => {
    const circuit = opened();
    let nowMs = 100;
    const waits: number[] = [];
    for (let probe = 0; probe < 5; probe += 1) {
      circuit.beginProbe();
      circuit.failed(circuit.epoch, nowMs);
      waits.push((circuit.probesAtMs ?? 0) - nowMs);
      nowMs = circuit.probesAtMs ?? 0;
    }
    expect(waits).toEqual([200, 300, 300, 300, 300]);
  });

  it('ignores an outcome that began in an earlier period', () => {
    const circuit = opened();
    expect(circuit.succeeded(0)).toBe(false);
    circuit.beginProbe();
    const stale = circuit.epoch;
    circuit.failed(stale, 100);
    circuit.beginProbe();
    expect(circuit.succeeded(stale)).toBe(false);
    expect(circuit.state).toBe('half_open');
  });

  it('lets the next task probe when a probe ends without a verdict', () => {
    const circuit = opened();
    circuit.beginProbe();
    circuit.probeWithoutVerdict(circuit.epoch, 100);
    expect(circuit.allows(100)).toBe(true);
  });
});
