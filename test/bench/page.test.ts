import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findBench } from '../../bench/benches.js';
import { growthChart } from '../../bench/growth-chart.js';
import { fillPage } from '../../bench/page.js';
import type { Report } from '../../bench/report.js';

const root = new URL('../../', import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const reportOf = (file: string): Report => JSON.parse(textOf(`bench/results/${file}`));

describe('docs/BENCHMARKS.md', () => {
  it('holds the figures of bench/results as they are, and draws them', async () => {
    const reports = await Promise.all(
      readdirSync(new URL('bench/results/', root)).map(async (file) => {
        const report = reportOf(file);
        return { report, bench: await findBench(report.name) };
      }),
    );
    const page = textOf('docs/BENCHMARKS.md');
    expect(fillPage(page, reports)).toBe(page);
    expect(growthChart(reportOf('growth.json'))).toBe(textOf('docs/benchmark-growth.svg'));
  });
});
