import { describe, expect, it } from 'vitest';
import type { ServiceProfile } from '../../src/core/route.js';
import { CapabilityStrategy } from '../../src/strategies/capability-strategy.js';
import { profilesOf } from './support.js';

/** Honest services with a description only: the weakest position against a hostile one. */
const HONEST: Readonly<Record<string, [description: string, ...tasks: string[]]>> = {
  weather: [
    'Weather forecasts and current conditions for any city.',
    'weather forecast for Oslo',
    'current conditions in my city',
  ],
  recipes: [
    'Finds cooking recipes by ingredients and diet.',
    'find a recipe with these ingredients',
    'vegan cooking recipes',
  ],
  flights: [
    'Searches flights, compares fares and books tickets.',
    'search flights to Lisbon',
    'compare fares and book tickets',
  ],
  translate: [
    'Translates text between languages.',
    'translate this text',
    'which languages can you translate',
  ],
  calendar: [
    'Creates meetings and finds free time in your calendar.',
    'create a meeting',
    'find free time in my calendar',
  ],
  stocks: ['Stock quotes, charts and portfolio tracking.', 'stock quote and chart', 'track my portfolio'],
  music: ['Plays songs and makes playlists.', 'play a song', 'make me a playlist'],
  email: ['Writes, sends and searches email.', 'send an email', 'search my email'],
  code: ['Runs code and explains programming errors.', 'run this code', 'explain this programming error'],
  maps: [
    'Directions, distances and places on the map.',
    'directions to the station',
    'distance between places',
  ],
  images: ['Draws pictures from a prompt.', 'draw a picture', 'pictures from a prompt'],
  news: ['Latest headlines and articles by topic.', 'latest headlines', 'articles on a topic'],
};
const TASKS = Object.values(HONEST).flatMap(([, ...tasks]) => tasks);
const DESCRIPTIONS = Object.values(HONEST).map(([description]) => description);
const FUNCTION_WORDS = 'the a an to of in on for and or is are with your you my it this';
const TASK_WORDS = 'find get show help need want information best recommend create make list latest use tell';

const COMMON_WORDS = `${TASK_WORDS} ${FUNCTION_WORDS}`.split(' ');
/** Openings of tasks, which every service is asked with. */
const OPENINGS = [
  'I want to',
  'can you help me',
  'how do I',
  'please find',
  'show me the',
  'what is the',
  'tell me',
];

/** Positions of the honest services: the weakest first, and with everything a server can say being untrusted too. */
const HONEST_PROFILES: Readonly<Record<string, readonly ServiceProfile[]>> = {
  'descriptions only': Object.entries(HONEST).map(([name, [description]]) => ({ name, description })),
  'examples too': Object.entries(HONEST).map(([name, [description, ...tasks]]) => ({
    name,
    description,
    examples: tasks.flatMap((task) => [`${task} please`, `can you ${task}`]),
  })),
  'descriptions that are untrusted too': Object.entries(HONEST).map(([name, [description]]) => ({
    name,
    description,
    trusted: false,
  })),
};

/** Share of honest tasks that a further service takes with a confidence of at least 0.5. */
function captured(hostile: Omit<ServiceProfile, 'name'>, honest: readonly ServiceProfile[]): number {
  const profiles = profilesOf({ name: 'hostile', trusted: false, ...hostile }, ...honest);
  const strategy = new CapabilityStrategy();
  strategy.onRegistryChange(profiles);
  const taken = TASKS.filter((task) => {
    const [best] = strategy.route(task, [...profiles.keys()]);
    return best?.service === 'hostile' && best.confidence >= 0.5;
  });
  return taken.length / TASKS.length;
}

describe('fault R10 a service that describes itself with everybody’s words', () => {
  const hostiles: readonly [string, Omit<ServiceProfile, 'name'>][] = [
    ['all other descriptions joined', { description: DESCRIPTIONS.join(' ') }],
    ['all other descriptions, many times', { description: DESCRIPTIONS.join(' ').repeat(50) }],
    ['function words', { description: FUNCTION_WORDS }],
    ['common task words', { description: TASK_WORDS }],
    ['both', { description: `${TASK_WORDS} ${FUNCTION_WORDS}` }],
    [
      'a tool for every other service',
      { tools: DESCRIPTIONS.map((description) => ({ name: 'do', description })) },
    ],
    ['a capability for every other service', { capabilities: DESCRIPTIONS }],
    [
      'every keyword a thousand times',
      { description: DESCRIPTIONS.map((text) => `${text} `.repeat(1000)).join('') },
    ],
    ['an example copied from every description', { examples: DESCRIPTIONS }],
    [
      'fifty examples copied from descriptions',
      { examples: Array(5).fill(DESCRIPTIONS).flat().slice(0, 50) },
    ],
    ['one example of all descriptions', { examples: [DESCRIPTIONS.join(' ')] }],
    ['an example copied from every task', { examples: TASKS }],
    ['an example of every function word', { examples: FUNCTION_WORDS.split(' ') }],
    ['examples of common words', { examples: COMMON_WORDS }],
    ['examples of how tasks begin', { examples: OPENINGS }],
    ['a keyword for every word', { keywords: [...COMMON_WORDS, ...DESCRIPTIONS.join(' ').split(' ')] }],
  ];

  describe.each(Object.entries(HONEST_PROFILES))('against %s', (_, honest) => {
    it.each(hostiles)('takes no task: %s', (_, hostile) => {
      expect(captured(hostile, honest)).toBe(0);
    });
  });

  it.each(['descriptions only', 'examples too'])(
    'takes no task with a copied description: against %s',
    (position) => {
      const [description] = DESCRIPTIONS as [string];
      expect(captured({ description }, HONEST_PROFILES[position] ?? [])).toBe(0);
    },
  );

  it('counts the examples of an untrusted profile into its 2,048 characters', () => {
    const strategy = new CapabilityStrategy();
    const examples = [...Array.from({ length: 300 }, (_, i) => `filler ${i}`), 'narwhal'];
    strategy.onRegistryChange(profilesOf({ name: 'far', trusted: false, examples }, 'other'));
    expect(strategy.route('narwhal', ['far', 'other'])).toEqual([]);
  });

  it('still routes to an untrusted service by its examples', () => {
    const strategy = new CapabilityStrategy();
    const own = {
      name: 'own',
      trusted: false,
      examples: ['tune the piano', 'tune my old piano', 'piano tuning'],
    };
    strategy.onRegistryChange(profilesOf(own, ...(HONEST_PROFILES['examples too'] as ServiceProfile[])));
    const [best] = strategy.route('tune a piano', ['own', ...Object.keys(HONEST)]);
    expect(best).toMatchObject({ service: 'own' });
    expect(best?.confidence).toBeGreaterThanOrEqual(0.5);
  });

  it('leaves the tasks of honest services to them', () => {
    const profiles = profilesOf(
      { name: 'hostile', trusted: false, description: DESCRIPTIONS.join(' ') },
      ...Object.entries(HONEST).map(([name, [description]]) => ({ name, description })),
    );
    const strategy = new CapabilityStrategy();
    strategy.onRegistryChange(profiles);
    const right = Object.entries(HONEST).flatMap(([name, [, ...tasks]]) =>
      tasks.filter((task) => strategy.route(task, [...profiles.keys()])[0]?.service === name),
    );
    expect(right.length / TASKS.length).toBeGreaterThan(0.9);
  });

  it('reads 2,048 characters of an untrusted profile', () => {
    const strategy = new CapabilityStrategy();
    const description = `${'filler '.repeat(300)} narwhal`;
    strategy.onRegistryChange(profilesOf({ name: 'far', trusted: false, description }, 'other'));
    expect(strategy.route('narwhal', ['far', 'other'])).toEqual([]);
    strategy.onRegistryChange(profilesOf({ name: 'far', description }, 'other'));
    expect(strategy.route('narwhal', ['far', 'other'])).toHaveLength(1);
  });

  it('gives a near tie to the trusted service, though the copy scores a little more', () => {
    const own = { name: 'own', description: 'Translates text between languages, in style.' };
    const copy = { name: 'copy', description: 'Translates text between languages.' };
    const task = 'translate text between languages';
    for (const trusted of [true, false]) {
      const strategy = new CapabilityStrategy();
      strategy.onRegistryChange(profilesOf({ ...copy, trusted }, own));
      const [first, second] = strategy.route(task, ['copy', 'own']);
      expect(first?.service).toBe(trusted ? 'copy' : 'own');
      expect(first?.confidence).toBeGreaterThan(second?.confidence as number);
    }
  });
});
