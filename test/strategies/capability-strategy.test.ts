import { describe, expect, it } from 'vitest';
import type { ServiceProfile } from '../../src/core/route.js';
import { CapabilityStrategy } from '../../src/strategies/capability-strategy.js';
import { BUILT_IN, contextOf, profilesOf } from './support.js';

const WEATHER: ServiceProfile = {
  name: 'weather',
  description: 'Weather forecasts and current conditions.',
  examples: ['will it rain in Paris tomorrow', 'how hot is it in Rome', 'do I need an umbrella today'],
};
const MONEY: ServiceProfile = {
  name: 'money_transfer',
  description: 'Moves money between bank accounts.',
  examples: ['send 50 dollars to my sister', 'transfer money to savings', 'pay my rent from checking'],
};
const MUSIC: ServiceProfile = {
  name: 'musicPlayer',
  capabilities: ['plays songs, albums and podcasts'],
  tools: [{ name: 'skipTrack', description: 'Skips to the next song of the playlist.' }],
};
const ALL = profilesOf(WEATHER, MONEY, MUSIC);

function strategyFor(profiles: ReadonlyMap<string, ServiceProfile>): CapabilityStrategy {
  const strategy = new CapabilityStrategy();
  strategy.onRegistryChange(profiles);
  return strategy;
}

/** The name of the best service at or above the balanced point, or null. */
function chosen(strategy: CapabilityStrategy, task: string, names: readonly string[]): string | null {
  const [best] = strategy.route(task, names);
  return best !== undefined && best.confidence >= 0.5 ? best.service : null;
}

describe('CapabilityStrategy', () => {
  const names = [...ALL.keys()];

  it.each([
    ['is it going to rain tomorrow', 'weather'],
    ['wil it rain tomorow in Pariss', 'weather'],
    ['transfer some money to my sister', 'money_transfer'],
    ['move money', 'money_transfer'],
    ['skip this song', 'musicPlayer'],
    ['play the playlist', 'musicPlayer'],
    ['MUSIC player', 'musicPlayer'],
  ])('ranks for "%s" %s first', (task, expected) => {
    expect(strategyFor(ALL).route(task, names)[0]?.service).toBe(expected);
  });

  it('is sure of what it knows and not of what it does not', () => {
    const strategy = strategyFor(ALL);
    expect(chosen(strategy, 'will it rain in Rome tomorrow', names)).toBe('weather');
    expect(chosen(strategy, 'prove the four colour theorem', names)).toBeNull();
    expect(chosen(strategy, 'zzz qqq', names)).toBeNull();
  });

  it('lowers the confidence for every foreign word', () => {
    const strategy = strategyFor(ALL);
    const [short] = strategy.route('transfer money', names);
    const [long] = strategy.route('transfer money zebra xylophone quantum biscuit', names);
    expect(long?.confidence).toBeLessThan(short?.confidence as number);
  });

  it('ranks available services only', () => {
    const ranked = strategyFor(ALL).route('transfer money to my sister', ['weather', 'unheard-of']);
    expect(ranked.map(({ service }) => service)).not.toContain('money_transfer');
  });

  it('explains the first candidates by the words that tell most', () => {
    const [best] = strategyFor(ALL).route('please transfer money to the bank', names);
    const reasons = best?.reasons ?? [];
    expect(reasons.map((reason) => reason.kind === 'term' && reason.term)).toEqual([
      'money',
      'transfer',
      'bank',
    ]);
    expect(reasons.every((reason) => reason.kind === 'term' && reason.weight > 0 && reason.weight < 1)).toBe(
      true,
    );
  });

  it('explains by the nearest example when only pieces of words are alike', () => {
    const strategy = strategyFor(
      profilesOf({ name: 'cars', examples: ['carburettor overhaul', 'gearbox'] }, 'other'),
    );
    const [best] = strategy.route('carburetter overhauled carburetters', ['cars', 'other']);
    expect(best).toMatchObject({ service: 'cars' });
    expect(strategy.route('gearboxs carburetors', ['cars'])[0]?.reasons?.length).toBeGreaterThan(0);
    const [pieces] = strategy.route('carburetto', ['cars']);
    expect(pieces?.reasons).toMatchObject([{ kind: 'example', text: 'carburettor overhaul' }]);
  });

  it('follows the registry, one rebuild for many changes', () => {
    const strategy = new CapabilityStrategy();
    const profiles = new Map<string, ServiceProfile>();
    for (let i = 0; i < 1000; i++) {
      profiles.set(`service ${i}`, { name: `service ${i}`, description: `does thing${i}` });
      strategy.onRegistryChange(profiles);
    }
    const start = performance.now();
    expect(strategy.route('thing777', [...profiles.keys()])[0]?.service).toBe('service 777');
    profiles.delete('service 777');
    strategy.onRegistryChange(profiles);
    expect(strategy.route('thing777', [...profiles.keys()])[0]?.confidence ?? 0).toBeLessThan(0.5);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('reads each profile once, however often the registry changes', () => {
    const reads = new Map<string, number>();
    const profiles = new Map<string, ServiceProfile>();
    const register = (name: string) => {
      profiles.set(name, {
        name,
        get description() {
          reads.set(name, (reads.get(name) ?? 0) + 1);
          return `does ${name}`;
        },
      });
    };
    const strategy = new CapabilityStrategy();
    for (const name of ['sweeping', 'polishing', 'mending']) {
      register(name);
      strategy.onRegistryChange(new Map(profiles));
      expect(strategy.route(name, [...profiles.keys()])[0]?.service).toBe(name);
    }
    profiles.delete('polishing');
    strategy.onRegistryChange(new Map(profiles));
    expect(strategy.route('polishing', [...profiles.keys()])[0]?.service).not.toBe('polishing');
    expect([...reads.values()]).toEqual([1, 1, 1]);

    register('sweeping');
    strategy.onRegistryChange(new Map(profiles));
    strategy.route('sweeping', [...profiles.keys()]);
    expect(reads.get('sweeping')).toBe(2);
  });

  it('ranks after changes as if it had known the services from the beginning', () => {
    const changed = strategyFor(profilesOf(WEATHER, MONEY));
    changed.route('rain', ['weather']);
    changed.onRegistryChange(profilesOf(MUSIC, WEATHER));
    changed.route('rain', ['weather']);
    changed.onRegistryChange(ALL);
    const fresh = strategyFor(ALL);
    for (const task of ['transfer money to my sister', 'will it rain', 'skip this song', 'zebra']) {
      expect(changed.route(task, names)).toEqual(fresh.route(task, names));
    }
  });

  it('takes the profiles of the call when nobody tells it of changes', () => {
    const [best] = new CapabilityStrategy().route('transfer money', names, contextOf(ALL));
    expect(best?.service).toBe('money_transfer');
  });

  it('knows nothing without profiles', () => {
    expect(new CapabilityStrategy().route('anything', BUILT_IN)).toEqual([]);
    expect(strategyFor(new Map()).route('anything', [])).toEqual([]);
  });

  it.each<[string, object]>([
    ['examples that are a text', { examples: 'play some jazz' }],
    ['examples that are no texts', { examples: [42, null, { text: 'x' }] }],
    ['capabilities that are a number', { capabilities: 42 }],
    ['tools that are an object', { tools: { skipTrack: {} } }],
    ['tools that are nothing', { tools: [null, 'skipTrack', { name: 42 }] }],
    ['a description that is a number', { description: 42 }],
  ])('leaves out %s, and ranks by the rest', (_, fields) => {
    const odd = { name: 'odd', ...fields } as ServiceProfile;
    const strategy = strategyFor(profilesOf(WEATHER, MONEY, MUSIC, odd));
    expect(chosen(strategy, 'transfer money to my sister', [...names, 'odd'])).toBe('money_transfer');
  });

  it.each([[['alpha', 'bravo']], [['bravo', 'alpha']]])(
    'fault R7 keeps equal services in the order they are listed in: %j',
    (order) => {
      const examples = ['sort the mail'];
      const strategy = strategyFor(profilesOf({ name: 'bravo', examples }, { name: 'alpha', examples }));
      const ranked = strategy.route('sort the mail', order);
      expect(ranked[0]?.confidence).toBe(ranked[1]?.confidence);
      expect(ranked.map(({ service }) => service)).toEqual(order);
      expect(strategy.route('sort the mail', order)).toEqual(ranked);
    },
  );

  it('answers with at most 10 candidates, or as many as it is told', () => {
    const many = profilesOf(
      ...Array.from({ length: 30 }, (_, i) => ({ name: `mail${i}`, description: 'sorts mail' })),
    );
    expect(strategyFor(many).route('sort mail', [...many.keys()])).toHaveLength(10);
    const three = new CapabilityStrategy({ maxCandidates: 3 });
    three.onRegistryChange(many);
    expect(three.route('sort mail', [...many.keys()])).toHaveLength(3);
  });

  it.each([{ tau: 0 }, { tau: Number.NaN }, { tau: 2 }, { maxCandidates: 0 }])('refuses %j', (options) => {
    expect(() => new CapabilityStrategy(options)).toThrow(TypeError);
  });

  it.each(['__proto__', 'constructor', 'toString'])('routes to a service called %s', (name) => {
    const strategy = strategyFor(profilesOf('chat', { name, examples: ['polish the brass'] }));
    expect(strategy.route('polish brass', ['chat', name])[0]?.service).toBe(name);
  });
});

describe('CapabilityStrategy.calibrate', () => {
  const names = [...ALL.keys()];
  const labelled = [
    { text: 'rain tomorrow', service: 'weather' },
    { text: 'how hot will it be', service: 'weather' },
    { text: 'send money', service: 'money_transfer' },
    { text: 'pay rent', service: 'money_transfer' },
    { text: 'what is the meaning of it all', service: null },
    { text: 'how do I bake bread', service: null },
    { text: 'prove this theorem', service: null },
  ];

  it('chooses a tau that tells the labelled tasks apart better, and uses it', () => {
    const strategy = strategyFor(ALL);
    const right = () =>
      labelled.filter(({ text, service }) => chosen(strategy, text, names) === service).length;
    const before = right();
    const tau = strategy.calibrate(labelled);
    expect(strategy.tau).toBe(tau);
    expect(tau).toBeGreaterThan(0);
    expect(tau).toBeLessThanOrEqual(1);
    expect(right()).toBeGreaterThanOrEqual(before);
  });

  it('puts the balanced point between the tasks that it should route and those that it should refuse', () => {
    const strategy = strategyFor(ALL);
    strategy.calibrate(labelled);
    const confidences = (isForeign: boolean) =>
      labelled
        .filter(({ service }) => (service === null) === isForeign)
        .map(({ text }) => strategy.route(text, names)[0]?.confidence ?? 0);
    expect(Math.min(...confidences(false))).toBeGreaterThanOrEqual(0.5);
    expect(Math.max(...confidences(true))).toBeLessThan(0.5);
  });

  it('takes wrongly routed tasks for those to refuse when no task is foreign', () => {
    const strategy = strategyFor(ALL);
    const right = labelled.filter(({ service }) => service !== null);
    const lenient = strategy.calibrate(right);
    const wrong = ['will it rain in Rome tomorrow', 'how hot is it in Paris today', 'do I need an umbrella'];
    const strict = strategy.calibrate([...right, ...wrong.map((text) => ({ text, service: 'musicPlayer' }))]);
    expect(strict).toBeGreaterThan(lenient);
  });

  it('calibrates with as many tasks as there are', () => {
    const strategy = strategyFor(profilesOf({ name: 'mail', examples: ['sort mail'] }, 'other'));
    const many = Array.from({ length: 20_000 }, (_, i) => ({
      text: i % 2 ? 'sort' : 'mail',
      service: 'mail',
    }));
    expect(strategy.calibrate(many)).toBeGreaterThan(0);
  });

  it('keeps its tau when no task is like any service, and refuses an empty list', () => {
    const strategy = strategyFor(ALL);
    expect(strategy.calibrate([{ text: '???', service: null }])).toBe(0.21);
    expect(() => strategy.calibrate([])).toThrow(TypeError);
  });
});
