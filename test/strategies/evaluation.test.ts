import { describe, expect, it } from 'vitest';
import { ExecutionConfig, type ExecutionConfigInput } from '../../src/core/config.js';
import { decideRoute } from '../../src/core/decide-route.js';
import type { RouteCandidate, ServiceProfile } from '../../src/core/route.js';
import type { LabelledTask } from '../../src/strategies/capability-strategy.js';
import { type EvaluatedRouter, evaluateRouting } from '../../src/strategies/evaluation.js';
import { cheapestMs, profilesOf } from './support.js';

const FIVE = ['one', 'two', 'three', 'four', 'five'];
const SERVICES = ['a', 'b', 'chat'].map((name): ServiceProfile => ({ name, examples: FIVE }));

/** A router whose tasks are their own rankings: `a 0.9, b 0.2`. */
function routerOf(
  profiles: readonly ServiceProfile[] = SERVICES,
  config: ExecutionConfigInput = {},
): EvaluatedRouter {
  const registered = profilesOf(...profiles);
  const { routingConfig } = ExecutionConfig.create(config);
  const policy = { ...routingConfig, registered: [...registered.keys()], isAvailable: () => true };
  return {
    config: { routingConfig },
    registry: { profiles: () => registered },
    explain: (task) => decideRoute(rankingOf(task), policy),
  };
}

function rankingOf(task: string): RouteCandidate[] {
  return [...task.matchAll(/(\w+) ([\d.]+)(?: by (\w+))?/g)].map(([, service, confidence, term]) => ({
    service: service as string,
    confidence: Number(confidence),
    ...(term !== undefined && { reasons: [{ kind: 'keyword', keyword: term, at: 0, score: 1 }] }),
  }));
}

function label(service: string | null, ...texts: string[]): LabelledTask[] {
  return texts.map((text) => ({ text, service }));
}

describe('evaluateRouting()', () => {
  it('counts what is right, wrong and refused, by kind of task', async () => {
    const evaluation = await evaluateRouting(
      [
        ...label('a', 'a 0.9', 'a 0.5, b 0.4', 'b 0.7, a 0.6', 'a 0.4', ''),
        ...label('b', 'a 0.4, chat 0.3, b 0.2'),
        ...label(null, '', 'b 0.4', 'b 0.8'),
      ],
      routerOf(),
    );
    expect(evaluation).toMatchObject({
      tasks: 9,
      accuracy: 4 / 9,
      confidenceThreshold: 0.5,
      fallbackService: 'chat',
      withService: { tasks: 6, right: 2, wrong: 1, refused: 3, first: 3, firstThree: 5 },
      outOfScope: { tasks: 3, refused: 2, routed: 1 },
      unexplained: { tasks: 1, samples: [''] },
    });
    expect(evaluation.services).toMatchObject([
      { service: 'a', tasks: 5, right: 2, matched: 2, precision: 1, recall: 0.4, examples: 5 },
      { service: 'b', tasks: 1, right: 0, matched: 2, precision: 0, recall: 0 },
      { service: 'chat', tasks: 0, matched: 0, precision: null, recall: null },
    ]);
  });

  it('takes the fallback for right where it is the right service, and for a task that belongs to none', async () => {
    const labelled = [...label('chat', '', 'a 0.3'), ...label(null, 'chat 0.9', 'a 0.3')];
    const evaluation = await evaluateRouting(labelled, routerOf());
    expect(evaluation).toMatchObject({
      accuracy: 1,
      withService: { right: 2 },
      outOfScope: { refused: 2 },
      confusions: [],
    });
    expect(evaluation.thresholds[0]).toMatchObject({ threshold: 0, right: 0, refused: 0.5 });
    expect(evaluation.thresholds.at(-1)).toMatchObject({ threshold: 1, right: 1, refused: 1 });
  });

  it('names a refusal where the fallback is not registered, and the only service where there is one', async () => {
    const labelled = [...label('a', 'a 0.3'), ...label(null, 'a 0.9')];
    const noFallback = await evaluateRouting(labelled, routerOf(SERVICES.slice(0, 2)));
    expect(noFallback).toMatchObject({ fallbackService: null, withService: { refused: 1 }, accuracy: 0 });
    const only = await evaluateRouting(labelled, routerOf(SERVICES.slice(0, 1)));
    expect(only).toMatchObject({ withService: { right: 1 }, outOfScope: { routed: 1 } });
  });

  it('lists what was confused, the largest first, with the words that spoke for the wrong service', async () => {
    const labelled = [
      ...label('a', 'b 0.9 by scan', 'b 0.9 by scan', 'b 0.8 by page, a 0.7'),
      ...label('b', 'a 0.4 by plan'),
      ...label(null, 'a 0.9', 'a 0.8 by go'),
    ];
    const { confusions } = await evaluateRouting(labelled, routerOf());
    expect(confusions).toEqual([
      { expected: 'a', got: 'b', tasks: 3, terms: ['scan', 'page'], sample: 'b 0.9 by scan' },
      { expected: null, got: 'a', tasks: 2, terms: ['go'], sample: 'a 0.9' },
      { expected: 'b', got: null, tasks: 1, terms: ['plan'], sample: 'a 0.4 by plan' },
    ]);
  });

  it('says what each threshold would give, compared as the router compares', async () => {
    const labelled = [...label('a', 'a 0.55', 'a 0.549', 'b 0.7'), ...label(null, 'a 0.3')];
    const { thresholds, bestThreshold } = await evaluateRouting(labelled, routerOf());
    expect(thresholds).toHaveLength(21);
    expect(thresholds[0]).toEqual({ threshold: 0, coverage: 1, accuracy: 0.5, right: 2 / 3, refused: 0 });
    expect(thresholds[11]).toEqual({
      threshold: 0.55,
      coverage: 0.5,
      accuracy: 0.5,
      right: 1 / 3,
      refused: 1,
    });
    expect(thresholds[20]).toEqual({ threshold: 1, coverage: 0, accuracy: null, right: 0, refused: 1 });
    // All of 0.31 to 0.54 are as good; the present one is 0.5.
    expect(bestThreshold).toMatchObject({ threshold: 0.5, right: 2 / 3, refused: 1 });
  });

  it('puts a confidence on every hundredth where the comparison puts it', async () => {
    const hundredths = Array.from({ length: 21 }, (_, step) => step / 20);
    const labelled = label('a', ...hundredths.map((confidence) => `a ${confidence}`));
    const { thresholds } = await evaluateRouting(labelled, routerOf());
    for (const { threshold, coverage } of thresholds) {
      const reached = hundredths.filter((confidence) => confidence >= threshold).length;
      expect([threshold, coverage]).toEqual([threshold, reached / 21]);
    }
  });

  it('advises what to add, and says nothing when all is well', async () => {
    const few = [{ name: 'a', examples: ['One', 'one!'] }, { name: 'b' }, { name: 'chat' }];
    const advised = await evaluateRouting(label('a', 'b 0.9 by scan', 'a 0.1', 'a 0.6'), routerOf(few));
    expect(advised.advice.map(({ kind, services }) => [kind, ...services])).toEqual([
      ['confused', 'a', 'b'],
      ['refused', 'a'],
      ['unexplained'],
      ['few-examples', 'a'],
      ['untested', 'b', 'chat'],
      ['no-out-of-scope'],
    ]);
    expect(advised.advice[0]?.text).toContain('1 task of "a" went to "b", by "scan"');
    expect(advised.advice[3]?.text).toContain('"a" has 1 example and gets 33 % of its tasks');
    const well = [...label('a', 'a 0.9'), ...label('b', 'b 0.9'), ...label('chat', ''), ...label(null, '')];
    expect((await evaluateRouting(well, routerOf())).advice.map(({ kind }) => kind)).toEqual(['unexplained']);
  });

  it('names a better threshold only when it gains something on enough tasks', async () => {
    const tasks = (count: number) => [
      ...label('a', ...Array(count).fill('a 0.4')),
      ...label(null, ...Array(count).fill('b 0.3')),
    ];
    const kinds = async (count: number) =>
      (await evaluateRouting(tasks(count), routerOf())).advice.map(({ kind }) => kind);
    expect(await kinds(19)).not.toContain('threshold');
    expect(await kinds(20)).toContain('threshold');
  });

  it('refuses an unknown label by its position, and an empty list', async () => {
    const labelled = [...label('a', 'a 0.9'), ...label('A', 'a 0.9')];
    await expect(evaluateRouting(labelled, routerOf())).rejects.toThrow(/^Labelled task 1 names "A"/);
    await expect(evaluateRouting([], routerOf())).rejects.toThrow('needs at least one labelled task');
  });

  it('reads a stream, one task at a time, and keeps a bounded part of it', async () => {
    let ahead = 0;
    async function* stream() {
      for (let i = 0; i < 300; i++) {
        expect(++ahead).toBe(1);
        yield { text: `a 0.1 by word${i} ${'x'.repeat(500)}`, service: 'b' };
      }
    }
    const router = routerOf();
    const evaluation = await evaluateRouting(stream(), {
      ...router,
      explain: (task) => {
        ahead--;
        return router.explain(task);
      },
    });
    expect(evaluation.tasks).toBe(300);
    expect(evaluation.unexplained.samples).toHaveLength(10);
    expect(evaluation.confusions[0]?.terms).toHaveLength(5);
    expect(JSON.stringify(evaluation).length).toBeLessThan(10_000);
  });
});

it('EvaluationTally.add() costs the same for the last task as for the first', async () => {
  const { EvaluationTally } = await import('../../src/strategies/evaluation-tally.js');
  const router = routerOf();
  const route = await router.explain('a 0.9 by scan, b 0.4');
  const run = (tasks: number) => () => {
    const tally = new EvaluationTally(router.registry.profiles(), router.config.routingConfig as never);
    for (let i = 0; i < tasks; i++) tally.add({ text: `task ${i}`, service: i % 2 === 0 ? 'a' : 'b' }, route);
    expect(tally.figures().tasks).toBe(tasks);
  };
  run(20_000)();
  expect(cheapestMs(run(100_000))).toBeLessThan(30 * Math.max(1, cheapestMs(run(10_000))));
});
