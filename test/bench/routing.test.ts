import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findBench } from '../../bench/benches.js';
import {
  type OpenRouter,
  openCapability,
  openCascade,
  openKeyword,
  openMiniSearch,
} from '../../bench/contestants/routers.js';
import { speedSet } from '../../bench/contestants/routing-load.js';
import { readSets, sampleSet } from '../../bench/contestants/routing-sets.js';
import { runRouting } from '../../bench/routing.bench.js';
import { accuracyFigures, outcomeOf } from '../../bench/routing-figures.js';
import type { Stopwatch } from '../../bench/stopwatch.js';

const stoppedWatch: Stopwatch = {
  time: async (tasks, work) => ({ tasks, wallMs: 1, cpuMicros: 1, value: await work() }),
};

const folderWith = (dev: string): string => {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-sets-'));
  writeFileSync(join(folder, 'dev.json'), dev);
  return folder;
};

describe('the sets of the routing bench', () => {
  it('have twelve services, 150 tasks that are no examples, and 30 of them out of scope', () => {
    const { services, test } = sampleSet();
    expect(services.map(({ examples }) => new Set(examples).size)).toEqual(Array(12).fill(10));
    expect(services.every(({ keywords = [], description }) => keywords.length >= 5 && description)).toBe(
      true,
    );
    const examples = new Set(services.flatMap((service) => service.examples));
    expect(new Set(test.map(({ text }) => text)).size).toBe(150);
    expect(test.filter(({ text }) => examples.has(text))).toEqual([]);
    expect(test.filter(({ service }) => service === null)).toHaveLength(30);
  });

  it.each([4, 100, 1000])('for time have %d services, the same at every call', (count) => {
    const set = speedSet(count);
    expect(speedSet(count)).toEqual(set);
    expect(new Set(set.services.map(({ name }) => name)).size).toBe(count);
    expect(new Set(set.services.map(({ keywords = [] }) => keywords[0])).size).toBe(count);
    for (const { examples, keywords = [] } of set.services) {
      expect([examples.length, keywords.length <= 8]).toEqual([3, true]);
    }
  });

  it('come from a folder too, each a group of its own', async () => {
    const service = { name: 'a', examples: ['do it'] };
    const folder = folderWith(
      JSON.stringify({ mine: { services: [service], test: [{ text: 'do', service: 'a' }] } }),
    );
    expect([...readSets(folder).keys()]).toEqual(['mine']);
    const { contestants, dataFolder } = await findBench('routing', folder);
    expect(dataFolder).toBe(folder);
    const groups = new Set(contestants.map(({ group }) => group));
    expect(groups).toContain('mine: 1 services, 1 tasks, 0 of them out of scope');
    // Without keywords, those who need some do not take part.
    expect(contestants.filter(({ name }) => name.endsWith(', mine')).map(({ label }) => label)).toEqual([
      'capability',
      'minisearch',
      'natural',
      'nlp.js',
    ]);
  });

  it.each([
    ['{}', /^$/],
    ['{"x":{}}', /"x" of .*must have lists "services" and "test"/],
    [
      '{"x":{"services":[{"name":"a","examples":[]}],"test":[{"text":"t","service":"b"}]}}',
      /task of "b", which is no service/,
    ],
  ])('are checked: %s', (dev, message) => {
    const read = () => readSets(folderWith(dev));
    if (dev === '{}') expect(read().size).toBe(0);
    else expect(read).toThrow(message);
    expect(() => readSets('/nowhere')).toThrow('--data must name a folder with dev.json');
  });
});

describe('the contestants of the routing bench', () => {
  it.each<[string, OpenRouter, number]>([
    ['keyword', openKeyword, 35],
    ['capability', openCapability, 60],
    ['keyword, then capability', openCascade, 60],
    ['minisearch', openMiniSearch, 50],
  ])('%s ranks the sample', async (_, open, least) => {
    const options = { isJudged: true, routes: 20 };
    const { tasks, figures = {} } = await runRouting(stoppedWatch, open, sampleSet(), options);
    expect(tasks).toBe(20);
    expect(figures.accuracy).toBeGreaterThan(least);
    expect(figures.accuracyTop3).toBeGreaterThanOrEqual(figures.accuracy as number);
    expect(figures.refusedAtBest).toBeGreaterThan(30);
    expect(figures.p50Micros).toBeGreaterThan(0);
  });

  it('are caught when they name a service that is not there', async () => {
    const open: OpenRouter = async () => ({ rank: () => [['nobody', 1]] });
    const options = { isJudged: false, routes: 1 };
    await expect(runRouting(stoppedWatch, open, sampleSet(), options)).rejects.toThrow('nobody');
  });

  it('say which packages they need beside those of the root', async () => {
    const { contestants } = await findBench('routing');
    const heavy = contestants.filter(({ packages }) => packages !== undefined).map(({ label }) => label);
    expect([...new Set(heavy)]).toEqual(['natural', 'nlp.js']);
  });
});

describe('accuracyFigures()', () => {
  const outcomes = [
    outcomeOf('a', [['a', 0.9]]),
    outcomeOf('a', [
      ['b', 0.6],
      ['a', 0.4],
    ]),
    outcomeOf('b', [['b', 0.45]]),
    outcomeOf('b', []),
    outcomeOf(null, [['a', 0.55]]),
    outcomeOf(null, []),
  ];

  it('counts shares in percent', () => {
    expect(accuracyFigures(outcomes, 0.5)).toEqual({
      accuracy: 50,
      accuracyTop3: 75,
      // 0.9 and 0.6 are above both, 0.45 above one, 0 ties with one.
      auroc: (100 * 5.5) / 8,
      right: 25,
      refused: 50,
      rightAtBest: 25,
      refusedAtBest: 100,
    });
  });

  it('leaves out what there is nothing to say of', () => {
    expect(accuracyFigures(outcomes)).not.toHaveProperty('right');
    expect(accuracyFigures(outcomes.slice(0, 4), 0.5)).toEqual({ accuracy: 50, accuracyTop3: 75 });
  });
});
