import { describe, expect, it, vi } from 'vitest';
import type { EmbedTexts } from '../../src/core/model-ports.js';
import type { ServiceProfile } from '../../src/core/route.js';
import { createOrchestrator } from '../../src/index.js';
import { CompositeStrategy } from '../../src/strategies/composite-strategy.js';
import { EmbeddingStrategy, type EmbeddingStrategyOptions } from '../../src/strategies/embedding-strategy.js';
import { contextOf, HandClock, profilesOf, recordingLog, textOf } from './support.js';

const THEMES = ['rain', 'photo', 'money'];

/** A model that knows three themes: one number for each, and a last one for everything else. */
function meaningOf(text: string): Float32Array {
  const counts = THEMES.map((theme) => text.toLowerCase().split(theme).length - 1);
  return Float32Array.from([...counts, counts.some((count) => count > 0) ? 0 : 1]);
}

const model = () => vi.fn<EmbedTexts>(async (texts) => texts.map(meaningOf));

const SERVICES: ServiceProfile[] = [
  { name: 'chat', description: 'talk' },
  { name: 'weather', description: 'rain', examples: ['will it rain tomorrow', 'rain or not'] },
  { name: 'vision', examples: ['the photo of a cat', 'photo'] },
];
const NAMES = SERVICES.map(({ name }) => name);

function setUp(embed: EmbedTexts = model(), options: Partial<EmbeddingStrategyOptions> = {}) {
  const clock = new HandClock();
  const log = recordingLog();
  const strategy = new EmbeddingStrategy({ embed, ...options });
  strategy.onRegistryChange(profilesOf(...SERVICES));
  const context = contextOf(profilesOf(...SERVICES), { clock, log });
  const route = (task = 'rain', names = NAMES) => strategy.route(task, names, context);
  return { strategy, route, clock, log, context };
}

const drained = () => new Promise((resolve) => setImmediate(resolve));

describe('EmbeddingStrategy', () => {
  it('ranks by the cosine of the task and what services say of themselves: 0.5 at the balance', async () => {
    const ranked = await setUp(model(), { balance: 0.7 }).route('rain on a photo');
    // The cosines are 1/√2 ≈ 0.707, 2/√10 ≈ 0.632 (one of three texts is the name alone) and 0.
    expect(textOf(ranked)).toBe('weather 0.5213, vision 0.3078, chat 0.0002');
    expect(ranked[0]).toMatchObject({ strategy: 'embedding' });
  });

  it('explains by the nearest example, or by the description when that is nearer', async () => {
    const [weather, , chat] = await setUp().route('rain');
    expect(weather?.reasons).toEqual([{ kind: 'custom', note: 'similarity 1.00 to its description' }]);
    expect(chat?.reasons).toEqual([{ kind: 'custom', note: 'similarity 0.00 to its description' }]);
    const [vision] = await setUp().route('photo');
    expect(vision?.reasons).toEqual([
      { kind: 'example', text: 'the photo of a cat', similarity: expect.closeTo(1) },
    ]);
  });

  it('ranks the available services only, as many as asked for', async () => {
    expect(textOf(await setUp().route('rain', ['vision', 'chat']))).toMatch(/^vision .*, chat/);
    expect(await setUp(model(), { maxCandidates: 1 }).route('rain')).toMatchObject([{ service: 'weather' }]);
  });

  it('fault R7 keeps equal services in the order of those available', async () => {
    const names = (await setUp().route('nothing known', ['vision', 'weather'])).map(({ service }) => service);
    expect(names).toEqual(['vision', 'weather']);
  });

  it('fault R10 puts a service that is not trusted behind one that it copies', async () => {
    const copy: ServiceProfile = { name: 'copy', description: 'rain', trusted: false };
    const { strategy, context } = setUp();
    strategy.onRegistryChange(profilesOf(copy, ...SERVICES));
    expect((await strategy.route('rain', ['copy', ...NAMES], context))[0]).toMatchObject({
      service: 'weather',
    });
  });

  it('follows the profiles of its calls when nobody tells it of changes', async () => {
    const strategy = new EmbeddingStrategy({ embed: model() });
    expect((await strategy.route('photo', NAMES, contextOf(profilesOf(...SERVICES))))[0]).toMatchObject({
      service: 'vision',
    });
  });

  it('has nothing to say without services or texts', async () => {
    const strategy = new EmbeddingStrategy({ embed: model() });
    expect(await strategy.route('rain', [], contextOf())).toEqual([]);
    expect(await strategy.route('rain', ['a'], contextOf(profilesOf({ name: '_' })))).toEqual([]);
  });

  it.each([
    [{}],
    [{ embed: 'model' }],
    [{ embed: model(), balance: 1 }],
    [{ embed: model(), balance: Number.NaN }],
    [{ embed: model(), timeoutSeconds: 0 }],
    [{ embed: model(), batchSize: 0 }],
    [{ embed: model(), maxCandidates: 0 }],
  ])('refuses %j', (options) => {
    expect(() => new EmbeddingStrategy(options as never)).toThrow(TypeError);
  });
});

describe('EmbeddingStrategy embeds', () => {
  it('nothing before a task comes, then each text once', async () => {
    const embed = model();
    const { route } = setUp(embed);
    expect(embed).not.toHaveBeenCalled();
    await route('a');
    await route('b');
    expect(embed.mock.calls.map(([texts]) => texts)).toEqual([
      [
        'chat. talk',
        'weather. rain',
        'will it rain tomorrow',
        'rain or not',
        'vision',
        'the photo of a cat',
        'photo',
      ],
      ['a'],
      ['b'],
    ]);
  });

  it('after a change of the registry only what it has not seen', async () => {
    const embed = model();
    const { strategy, route } = setUp(embed);
    await route();
    strategy.onRegistryChange(
      profilesOf(...SERVICES.slice(1), { name: 'bank', examples: ['money', 'photo'] }),
    );
    expect(textOf(await route('money', [...NAMES, 'bank']))).toMatch(/^bank /);
    expect(embed.mock.calls.slice(2).map(([texts]) => texts)).toEqual([['bank', 'money'], ['money']]);
    strategy.onRegistryChange(profilesOf(...SERVICES));
    await route();
    expect(embed.mock.calls.slice(4).map(([texts]) => texts)).toEqual([['chat. talk'], ['rain']]);
  });

  it('in batches, and the tasks of one turn together', async () => {
    const embed = model();
    const { route } = setUp(embed, { batchSize: 3 });
    await Promise.all(['a', 'b', 'c', 'd'].map((task) => route(task)));
    expect(embed.mock.calls.map(([texts]) => texts.length)).toEqual([3, 3, 1, 3, 1]);
  });

  it('cut texts: a megabyte is no reason to fail', async () => {
    const embed = model();
    await setUp(embed).route(`rain ${'x'.repeat(1_000_000)}`);
    expect(Math.max(...embed.mock.calls.flatMap(([texts]) => texts.map(({ length }) => length)))).toBe(2048);
  });

  it('in one build for all tasks that wait, whatever changes meanwhile', async () => {
    const answers: (() => void)[] = [];
    const embed = vi.fn<EmbedTexts>(
      (texts) => new Promise((resolve) => answers.push(() => resolve(texts.map(meaningOf)))),
    );
    const { strategy, route } = setUp(embed);
    const routes = Promise.all([route('rain'), route('photo')]);
    await drained();
    expect(embed).toHaveBeenCalledTimes(1);
    strategy.onRegistryChange(profilesOf(...SERVICES, { name: 'bank', description: 'money' }));
    for (let turn = 0; turn < 3; turn++) {
      answers.shift()?.();
      await drained();
    }
    expect((await routes).map(([best]) => best?.service)).toEqual(['weather', 'vision']);
    expect(embed.mock.calls.slice(1).map(([texts]) => texts)).toEqual([['bank. money'], ['rain', 'photo']]);
  });
});

describe('fault R3 EmbeddingStrategy answers nothing, with one warning, when the model', () => {
  const vector = (...values: number[]) => Float32Array.from(values);
  it.each<[string, (texts: readonly string[]) => unknown]>([
    ['rejects', () => Promise.reject(new Error('HTTP 500'))],
    [
      'throws',
      () => {
        throw new Error('odd');
      },
    ],
    ['answers nothing', () => undefined],
    ['answers too few vectors', () => [vector(1)]],
    ['answers too many vectors', (texts) => [...texts, 'one more'].map(() => vector(1))],
    ['answers holes', (texts) => new Array(texts.length)],
    ['answers plain arrays', (texts) => texts.map(() => [1, 2])],
    [
      'answers vectors of different sizes',
      (texts) => texts.map((_, i) => Float32Array.from({ length: i + 1 }, () => 1)),
    ],
    ['answers empty vectors', (texts) => texts.map(() => vector())],
    ['answers zeros', (texts) => texts.map(() => vector(0, 0))],
    ['answers NaN', (texts) => texts.map(() => vector(1, Number.NaN))],
    ['answers Infinity', (texts) => texts.map(() => vector(1, Number.POSITIVE_INFINITY))],
    [
      'answers a thenable that throws',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: a thenable that misbehaves is the point
        then() {
          throw new Error('then');
        },
      }),
    ],
  ])('%s', async (_, answer) => {
    const { route, log, clock } = setUp(answer as unknown as EmbedTexts);
    for (let i = 0; i < 5; i++) expect(await route()).toEqual([]);
    expect(log.warnings).toMatchObject([{ facts: { strategy: 'embedding', error: expect.any(String) } }]);
    expect(clock.waiting).toBe(0);
  });

  it('answers vectors of another size than before: the index is built anew', async () => {
    let extra: number[] = [];
    const embed = vi.fn<EmbedTexts>(async (texts) =>
      texts.map((text) => Float32Array.from([...meaningOf(text), ...extra])),
    );
    const { route } = setUp(embed);
    await route();
    extra = [0];
    expect(await route()).toEqual([]);
    expect((await route())[0]).toMatchObject({ service: 'weather' });
  });
});

describe('fault R4 EmbeddingStrategy', () => {
  it('gives a silent model three seconds, then answers nothing; a later task starts afresh', async () => {
    let isSilent = true;
    const signals: AbortSignal[] = [];
    const { route, clock, log } = setUp((texts, signal) => {
      signals.push(signal);
      return isSilent ? new Promise(() => {}) : Promise.resolve(texts.map(meaningOf));
    });
    const ranking = route();
    clock.advance(2999);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    clock.advance(1);
    expect(await ranking).toEqual([]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(log.warnings).toMatchObject([{ facts: { error: expect.stringContaining('within 3000 ms') } }]);
    isSilent = false;
    expect((await route())[0]).toMatchObject({ service: 'weather' });
    expect(clock.waiting).toBe(0);
  });

  it('keeps what a build has learned that took too long', async () => {
    let calls = 0;
    const embed = vi.fn<EmbedTexts>((texts) => {
      calls += 1;
      return calls === 2 ? new Promise(() => {}) : Promise.resolve(texts.map(meaningOf));
    });
    const { route, clock } = setUp(embed, { batchSize: 4 });
    const late = route();
    await drained();
    clock.advance(3000);
    expect(await late).toEqual([]);
    expect((await route())[0]).toMatchObject({ service: 'weather' });
    expect(embed.mock.calls.map(([texts]) => texts.length)).toEqual([4, 3, 3, 1]);
  });

  it('leaves a model alone that failed three times in a row, and tries it again later', async () => {
    const embed = vi.fn<EmbedTexts>(async () => Promise.reject(new Error('down')));
    const { route, clock } = setUp(embed);
    for (let i = 0; i < 5; i++) await route();
    expect(embed).toHaveBeenCalledTimes(3);
    clock.advance(5000);
    await Promise.all([route(), route()]);
    expect(embed).toHaveBeenCalledTimes(4);
  });

  it('ends its build when the orchestrator closes', async () => {
    let signal: AbortSignal | undefined;
    const clock = new HandClock();
    const embed: EmbedTexts = (_texts, given) => {
      signal = given;
      return new Promise(() => {});
    };
    const orchestrator = createOrchestrator({
      services: { chat: () => 'chat', vision: () => 'vision' },
      strategy: new CompositeStrategy([new EmbeddingStrategy({ embed })]),
      environment: { clock, random: () => 0, createId: () => 'id' },
      log: recordingLog(),
    });
    const route = orchestrator.explain('hm');
    await orchestrator.close({ drainSeconds: 0 });
    expect(signal?.aborted).toBe(true);
    expect(await route).toMatchObject({ service: 'chat', usedFallback: true });
    expect(clock.waiting).toBe(0);
  });
});

describe('EmbeddingStrategy.calibrate()', () => {
  const LABELLED = [
    { text: 'rain', service: 'weather' },
    { text: 'rain rain photo', service: 'weather' },
    { text: 'photo', service: 'vision' },
    { text: 'rain photo money money money', service: null },
    { text: 'money', service: null },
  ];

  it('chooses the balance between tasks that are to be routed and those that are not', async () => {
    const { strategy, route } = setUp();
    const balance = await strategy.calibrate(LABELLED);
    expect(balance).toBeGreaterThan(0.4);
    expect(balance).toBeLessThan(0.9);
    expect(strategy.balance).toBe(balance);
    const best = async (task: string) => (await route(task))[0]?.confidence ?? 0;
    expect(await best('rain rain photo')).toBeGreaterThan(0.5);
    expect(await best('rain photo money money money')).toBeLessThan(0.5);
  });

  it('rejects without tasks, when texts cannot be embedded, and when its signal fires', async () => {
    await expect(setUp().strategy.calibrate([])).rejects.toThrow(TypeError);
    const failing = setUp(async () => Promise.reject(new Error('down'))).strategy;
    await expect(failing.calibrate(LABELLED)).rejects.toThrow('down');
    const silent = setUp(() => new Promise(() => {})).strategy;
    await expect(silent.calibrate(LABELLED, AbortSignal.abort(new Error('enough')))).rejects.toThrow(
      'enough',
    );
  });
});
