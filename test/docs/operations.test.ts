import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FLIGHT_RECORDER_FLAGS } from '../../src/cli/flight-recorder-file.js';
import { LOG_FLAGS } from '../../src/cli/stderr-log.js';
import { createMetrics } from '../../src/inspect/metrics.js';
import { parseMetrics } from '../support/prometheus.js';
import { simulated } from '../support/simulation.js';

const page = readFileSync('docs/OPERATIONS.md', 'utf8');

it('docs/OPERATIONS.md lists every metric with its type', async () => {
  const services = {
    bad: () => {
      throw new Error('no');
    },
  };
  const { orchestrator } = simulated({ services });
  const metrics = createMetrics(orchestrator);
  await orchestrator.execute('x', { maxRetries: 0 });
  const { types } = parseMetrics(metrics.text());
  expect(types.size).toBeGreaterThan(20);
  for (const [name, type] of types) {
    const row = page.split('\n').find((line) => line.startsWith('| `') && line.includes(`\`${name}\``));
    expect(row, name).toBeDefined();
    if (name.startsWith('gaffr_')) expect(row).toContain(`| ${type} |`);
  }
});

it('docs/OPERATIONS.md names every flag', () => {
  const flags = Object.keys({ ...FLIGHT_RECORDER_FLAGS, ...LOG_FLAGS, tracing: null });
  expect(flags.filter((flag) => !page.includes(`--${flag}`))).toEqual([]);
});
