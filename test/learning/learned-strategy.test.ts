import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServiceProfile } from '../../src/core/route.js';
import { LearnedStrategy } from '../../src/learning/learned-strategy.js';
import { CapabilityStrategy } from '../../src/strategies/capability-strategy.js';
import { CompositeStrategy } from '../../src/strategies/composite-strategy.js';
import { contextOf, profilesOf } from '../strategies/support.js';

const CITIES = ['Oslo', 'Rome', 'Paris', 'Lima', 'Cairo', 'Delhi', 'Quito'];
const FRIENDS = ['my sister', 'my landlord', 'Anna', 'the plumber', 'Joe', 'my savings', 'grandma'];
const SONGS = ['jazz', 'the blues', 'some folk', 'an opera', 'my favourites', 'techno', 'a ballad'];

const PROFILES: readonly ServiceProfile[] = [
  service('weather', CITIES, ['will it rain in', 'how hot is it in', 'weather forecast for']),
  service('money', FRIENDS, ['send 50 dollars to', 'transfer money to', 'pay the rent of']),
  service('music', SONGS, ['play', 'turn up', 'put on a song of']),
];
const NAMES = PROFILES.map(({ name }) => name);

function service(name: string, things: readonly string[], openings: readonly string[]): ServiceProfile {
  return { name, examples: things.flatMap((thing) => openings.map((opening) => `${opening} ${thing}`)) };
}

function untrained(profiles: readonly ServiceProfile[] = PROFILES): LearnedStrategy {
  const strategy = new LearnedStrategy();
  strategy.onRegistryChange(profilesOf(...profiles));
  return strategy;
}

let trained: LearnedStrategy;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'learned-'));
  trained = untrained();
  await trained.train();
});
afterAll(() => rm(folder, { recursive: true }));

describe('LearnedStrategy', () => {
  it.each([
    ['is it going to rain in Berlin', 'weather'],
    ['transfer 20 dollars to Tom', 'money'],
    ['put on a waltz', 'music'],
  ])('routes "%s" to %s, surely and with reasons', (task, expected) => {
    const [best] = trained.route(task, NAMES);
    expect(best).toMatchObject({ service: expected, strategy: 'learned' });
    expect(best?.confidence).toBeGreaterThanOrEqual(0.5);
    expect(best?.reasons?.[0]).toMatchObject({ kind: 'term' });
  });

  it.each(['zebra xylophone quantum', 'prove this theorem', '', '???'])('is not sure of "%s"', (task) => {
    expect(trained.route(task, NAMES)[0]?.confidence ?? 0).toBeLessThan(0.5);
  });

  it('answers with no candidate before it is trained, so that a composite asks on', async () => {
    expect(untrained().route('play jazz', NAMES)).toEqual([]);
    const composite = new CompositeStrategy([untrained(), new CapabilityStrategy()]);
    composite.onRegistryChange(profilesOf(...PROFILES));
    const [best] = await composite.route('play jazz', NAMES, contextOf());
    expect(best).toMatchObject({ service: 'music', strategy: 'capability' });
  });

  it('ranks available services only', () => {
    const ranked = trained.route('play jazz', ['weather', 'money', 'unheard-of']);
    expect(ranked.map(({ service }) => service)).not.toContain('music');
    expect(trained.route('play jazz', ['music'])).toMatchObject([{ service: 'music' }]);
  });

  it('names every service that has too few examples', async () => {
    const strategy = untrained([...PROFILES, { name: 'chat' }, { name: 'notes', examples: ['take a note'] }]);
    const training = strategy.train();
    await expect(training).rejects.toThrow(TypeError);
    await expect(training).rejects.toThrow(/20 or more .*"chat" has 0, "notes" has 1;/);
  });

  it('counts different examples, and corrections with them', async () => {
    const repeated = { name: 'notes', examples: Array(30).fill('take a note') };
    await expect(untrained([...PROFILES, repeated]).train()).rejects.toThrow(/"notes" has 1/);
    const corrected = untrained([...PROFILES, { name: 'notes' }]);
    for (let i = 0; i < 20; i++) corrected.learn(`write down memo ${i}`, 'notes');
    await corrected.train();
    expect(corrected.route('write this memo down', [...NAMES, 'notes'])[0]?.service).toBe('notes');
  });

  it('learns only the services that it is told to', async () => {
    const strategy = untrained([...PROFILES, { name: 'chat' }]);
    await strategy.train({ services: ['weather', 'music'] });
    expect(strategy.services).toEqual(['weather', 'music']);
    await expect(strategy.train({ services: ['weather', 'nobody'] })).rejects.toMatchObject({
      code: 'UNKNOWN_SERVICE',
    });
    await expect(strategy.train({ services: ['weather'] })).rejects.toThrow(/2 or more services/);
  });

  it('routes a corrected task to where it belongs', async () => {
    const strategy = untrained();
    const task = 'put on a song of rain';
    strategy.learn('play jazz', 'weather');
    for (let i = 0; i < 5; i++) strategy.learn(`${task} ${i}`, 'weather');
    await strategy.train();
    expect(trained.route(task, NAMES)[0]?.service).toBe('music');
    expect(strategy.route(task, NAMES)[0]?.service).toBe('weather');
    expect(strategy.route('play jazz', NAMES)[0]?.service).toBe('weather');
  });

  it('keeps the last corrections, each task once', () => {
    const strategy = new LearnedStrategy({ maxCorrections: 2 });
    for (const task of ['one', 'two', 'one', 'three']) strategy.learn(task, 'music');
    strategy.learn('three', 'money');
    expect(strategy.corrections).toEqual([
      { task: 'one', service: 'music' },
      { task: 'three', service: 'money' },
    ]);
    strategy.learn('x'.repeat(5000), 'music');
    expect(strategy.corrections.at(-1)?.task).toHaveLength(2048);
  });

  it.each([
    ['', 'music'],
    ['???', 'music'],
    ['play', ''],
  ])('refuses to learn "%s" for "%s"', (task, service) => {
    expect(() => new LearnedStrategy().learn(task, service)).toThrow(TypeError);
  });

  it.each([{ tau: 0 }, { tau: Number.NaN }, { maxCandidates: 0 }, { maxCorrections: 0 }])(
    'refuses %j',
    (options) => {
      expect(() => new LearnedStrategy(options)).toThrow(TypeError);
    },
  );

  it('fault R10 learns no text of an untrusted profile', async () => {
    const copied = PROFILES.flatMap(({ examples = [] }) => examples);
    const strategy = untrained([...PROFILES, { name: 'hostile', trusted: false, examples: copied }]);
    await strategy.train();
    expect(strategy.services).toEqual(NAMES);
    for (let i = 0; i < 20; i++) strategy.learn(`juggle ${i} balls`, 'hostile');
    await strategy.train();
    const taken = copied.filter(
      (task) => strategy.route(task, [...NAMES, 'hostile'])[0]?.service === 'hostile',
    );
    expect(taken).toEqual([]);
  });

  it('calibrates its tau to labelled tasks', () => {
    const strategy = trained;
    const before = strategy.tau;
    const tau = strategy.calibrate([
      ...['rain in Bonn', 'is it hot in Kyiv'].map((text) => ({ text, service: 'weather' })),
      ...['transfer 5 dollars', 'pay Tom'].map((text) => ({ text, service: 'money' })),
      ...['prove it', 'what is love', 'paint the fence'].map((text) => ({ text, service: null })),
    ]);
    expect(tau).toBeGreaterThan(0);
    expect(tau).toBeLessThanOrEqual(1);
    expect(strategy.tau).toBe(tau);
    expect(() => strategy.calibrate([])).toThrow(TypeError);
    expect(() => untrained().calibrate([{ text: 'x', service: null }])).toThrow(/train\(\) or load\(\)/);
    expect(before).toBe(0.33);
  });
});

describe('LearnedStrategy.train', () => {
  const many = Array.from({ length: 40 }, (_, s) => ({
    name: `service ${s}`,
    examples: Array.from(
      { length: 25 },
      (_, i) => `topic${s} and thing${s * i} with word${(s + i) % 97} number ${i}`,
    ),
  }));

  it('keeps the turns of the event loop short', async () => {
    const strategy = untrained(many);
    const start = performance.now();
    let isDone = false;
    const training = strategy.train().finally(() => {
      isDone = true;
    });
    const turnsMs: number[] = [];
    while (!isDone) {
      const turn = performance.now();
      await new Promise((resolve) => setImmediate(resolve));
      turnsMs.push(performance.now() - turn);
    }
    await training;
    // Relative to the whole, as other work on the machine makes every turn longer.
    expect(turnsMs.reduce((most, turnMs) => Math.max(most, turnMs))).toBeLessThan(
      (performance.now() - start) / 3,
    );
    expect(turnsMs.length).toBeGreaterThan(50);
    expect(
      strategy.route(
        'topic7 thing7',
        many.map(({ name }) => name),
      )[0]?.service,
    ).toBe('service 7');
  });

  it('ends at once when its signal fires, and keeps the model', async () => {
    const strategy = untrained(many);
    const abort = new AbortController();
    const training = strategy.train({ signal: abort.signal });
    await expect(strategy.train()).rejects.toThrow(/on its way/);
    abort.abort(new Error('never mind'));
    await expect(training).rejects.toThrow('never mind');
    expect(strategy.services).toEqual([]);
    await expect(strategy.train({ signal: abort.signal })).rejects.toThrow('never mind');
    strategy.onRegistryChange(profilesOf(...PROFILES));
    await strategy.train();
    expect(strategy.services).toEqual(NAMES);
    const again = strategy.train({ seed: 2 });
    expect(strategy.route('play jazz', NAMES)[0]?.service).toBe('music');
    await again;
  });

  it('gives the same model for the same seed, and another for another', async () => {
    const route = async (seed: number) => {
      const strategy = untrained();
      await strategy.train({ seed });
      return strategy.route('play a song in the rain for Anna', NAMES);
    };
    const [one, again, other] = [await route(7), await route(7), await route(8)];
    expect(one).toEqual(again);
    expect(one).not.toEqual(other);
  });
});

describe('LearnedStrategy.save and load', () => {
  const tasks = ['play jazz', 'rain in Rome', 'pay Joe', 'zebra', ''];

  it('route alike after a save and a load, corrections and tau included', async () => {
    const path = join(folder, 'model.gaffr');
    trained.learn('hum a tune', 'music');
    await trained.save(path);
    const loaded = new LearnedStrategy();
    await loaded.load(path);
    for (const task of tasks) expect(loaded.route(task, NAMES)).toEqual(trained.route(task, NAMES));
    expect(loaded.tau).toBe(trained.tau);
    expect(loaded.corrections).toEqual(trained.corrections);
    expect((await readFile(path)).length).toBeLessThan(100_000);
    expect(await readdir(folder)).toEqual(['model.gaffr']);
  });

  it('has nothing to save before it is trained', async () => {
    await expect(new LearnedStrategy().save(join(folder, 'none'))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['of another kind', () => Buffer.from('{"version":1}'), /does not begin with GAFFRLRN/],
    ['that is empty', () => Buffer.alloc(0), /does not begin with/],
    ['of another version', (bytes) => edited(bytes, (copy) => copy.writeUInt32LE(2, 8)), /version 2, not 1/],
    ['that is cut off', (bytes) => bytes.subarray(0, -1), /checksum/],
    [
      'with a flipped bit',
      (bytes) => edited(bytes, (copy) => copy.writeUInt8(copy.readUInt8(400) ^ 1, 400)),
      /checksum/,
    ],
    [
      'for other features',
      (bytes) => withHeader(bytes, { features: 1 }),
      /features that this version does not/,
    ],
    ['without services', (bytes) => withHeader(bytes, { services: [] }), /header lacks a field/],
    ['with one service twice', (bytes) => withHeader(bytes, { services: ['a', 'a', 'b'] }), /header lacks/],
    ['with more rows than it has', (bytes) => withHeader(bytes, { rows: 1e9 }), /its arrays have/],
    ['with a tau that cannot be', (bytes) => withHeader(bytes, { tau: 9 }), /header lacks/],
    [
      'with a broken correction',
      (bytes) => withHeader(bytes, { corrections: [{ task: 1 }] }),
      /header lacks/,
    ],
    ['with a correction of nothing', (bytes) => withHeader(bytes, { corrections: [null] }), /header lacks/],
    [
      'with a feature that cannot be',
      (bytes) => withArrays(bytes, (view) => view.setInt32(0, -5, true)),
      /cannot be/,
    ],
    [
      'with a feature twice',
      (bytes) => withArrays(bytes, (view) => view.setInt32(0, view.getInt32(4, true), true)),
      /twice/,
    ],
  ])('refuses a file %s, and stays what it was', async (_, damage, why) => {
    const path = join(folder, 'damaged');
    await trained.save(path);
    await writeFile(path, damage(await readFile(path)));
    const before = trained.route('play jazz', NAMES);
    await expect(trained.load(path)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(why),
    });
    expect(trained.route('play jazz', NAMES)).toEqual(before);
    await rm(path);
  });

  it('refuses what is no plain file, and tells of a missing one', async () => {
    await expect(trained.load(folder)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(trained.load(join(folder, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(trained.save(join(folder, 'no', 'folder'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

function edited(bytes: Buffer, edit: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  edit(copy);
  return copy;
}

/** The file with other fields in its header, and a checksum that fits. */
function withHeader(bytes: Buffer, fields: object): Buffer {
  const end = 20 + bytes.readUInt32LE(16);
  const header = { ...JSON.parse(bytes.subarray(20, end).toString()), ...fields };
  const json = Buffer.from(JSON.stringify(header));
  const copy = Buffer.concat([bytes.subarray(0, 20), json, bytes.subarray(end)]);
  copy.writeUInt32LE(json.length, 16);
  return sealed(copy);
}

function withArrays(bytes: Buffer, edit: (view: DataView) => void): Buffer {
  const at = 20 + bytes.readUInt32LE(16);
  const copy = Buffer.from(bytes);
  edit(new DataView(copy.buffer, copy.byteOffset + at, copy.length - at));
  return sealed(copy);
}

function sealed(bytes: Buffer): Buffer {
  let value = 0x811c9dc5;
  for (const byte of bytes.subarray(16)) value = Math.imul(value ^ byte, 0x01000193);
  bytes.writeUInt32LE(value >>> 0, 12);
  return bytes;
}
