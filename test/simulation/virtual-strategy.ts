import type { Clock } from '../../src/core/environment.js';
import type { Ranked, RoutingStrategy } from '../../src/core/route.js';
import type { StrategyKind } from './plan.js';
import { hashOf } from './random.js';

/** A strategy that behaves as its kind says, decided by the text of the task alone; undefined for the default one. */
export function virtualStrategy(
  kind: StrategyKind,
  clock: Clock,
  isCalm: () => boolean,
): RoutingStrategy | undefined {
  if (kind === 'default') return undefined;
  const kinds: readonly StrategyKind[] = [
    'sync',
    'async',
    'slow',
    'throwing',
    'rejecting',
    'lying',
    'silent',
    'thenable',
  ];
  return {
    name: kind,
    route(task, names) {
      const mood = kind === 'moody' ? (kinds[hashOf(task) % kinds.length] as StrategyKind) : kind;
      return isCalm() ? ranked(task, names) : answer(mood, { task, names, clock });
    },
  };
}

function answer(
  kind: StrategyKind,
  { task, names, clock }: { readonly task: string; readonly names: readonly string[]; readonly clock: Clock },
): Ranked | Promise<Ranked> {
  const good = (): Ranked => ranked(task, names);
  switch (kind) {
    case 'async':
      return Promise.resolve(good());
    case 'slow':
      return new Promise((resolve) => {
        clock.setTimeout(() => resolve(good()), (hashOf(`slow ${task}`) % 25) * 125);
      });
    case 'throwing':
      throw new Error('no idea');
    case 'rejecting':
      return Promise.reject(new Error('no idea'));
    case 'silent':
      return new Promise(() => {});
    case 'lying':
      return lies(task, names);
    case 'thenable':
      return {
        // biome-ignore lint/suspicious/noThenProperty: a thenable that misbehaves is the point
        then(onValue: (value: Ranked) => void) {
          onValue(good());
          onValue([]);
          throw new Error('then throws');
        },
      } as unknown as Promise<Ranked>;
    default:
      return good();
  }
}

function ranked(task: string, names: readonly string[]): Ranked {
  return names.map((name) => [name, (hashOf(`${name} ${task}`) % 101) / 100] as const);
}

function lies(task: string, names: readonly string[]): Ranked {
  const [first = 'nobody'] = names;
  const all: unknown[] = [
    'no array',
    null,
    [
      [first, Number.NaN],
      ['nobody', 0.9],
    ],
    [
      [first, Number.POSITIVE_INFINITY],
      [first, '0.9'],
      [first, -1],
    ],
    [[first, 0.8], [first, 0.9], 7, null, { service: first }],
    [],
  ];
  return all[hashOf(`lie ${task}`) % all.length] as Ranked;
}
