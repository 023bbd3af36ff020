import type { ExecutionConfigInput } from '../../src/core/config.js';
import { type Behaviour, type Mix, mixOf, type Reentry, scriptOf } from './behaviour.js';
import { type Random, seeded } from './random.js';

/**
 * What one simulated run does, as plain data: nothing in it depends on how the run goes, so that actions can be left out
 * while the rest stays the same. `pick` values choose among what there is at that moment, modulo its number.
 */
export interface Plan {
  readonly seed: number;
  readonly setup: Setup;
  readonly actions: readonly Action[];
}

export interface Setup {
  readonly config: ExecutionConfigInput;
  readonly services: readonly ServicePlan[];
  readonly rate: RatePlan | null;
  readonly strategy: StrategyKind;
  /** Observers that throw. */
  readonly throws: { readonly listener: boolean; readonly log: boolean; readonly inspect: boolean };
  /** A listener that cancels a task at each n-th event; 0 for none. */
  readonly cancelEvery: number;
  /** What the services' times are multiplied with, a power of two for exact sums: quick tasks are handed over, not taken in turns. */
  readonly pace: number;
}

/** A rate limit of the library. */
export interface RatePlan {
  readonly limit: number;
  readonly intervalSeconds: number;
  readonly window: 'fixed' | 'sliding';
  readonly carryOver: boolean;
}

export interface ServicePlan {
  readonly name: string;
  readonly rate: RatePlan | null;
  readonly concurrency: number | null;
  readonly idempotent: boolean;
}

export type StrategyKind =
  | 'default'
  | 'sync'
  | 'async'
  | 'slow'
  | 'throwing'
  | 'rejecting'
  | 'lying'
  | 'silent'
  | 'thenable'
  | 'moody';

/** Options of a simulated task, with times in milliseconds. */
export interface TaskPlan {
  readonly keyword: string;
  readonly script: readonly Behaviour[];
  readonly service: string | null;
  readonly priority: number | null;
  readonly timeoutMs: number | null;
  readonly queueTimeoutMs: number | null;
  readonly deadlineMs: number | null;
  readonly maxRetries: number | null;
  readonly taskId: string | null;
  readonly key: string | null;
  /** `own`: a controller of its own · `shared`: one for many · `aborted`: fired before the task is submitted. */
  readonly signal: 'none' | 'own' | 'shared' | 'aborted';
  readonly kwargs: 'none' | 'plain' | 'uncloneable';
  readonly progressThrows: boolean;
}

/** `after`: null to let everything run and check (a step ends), else how many microtasks to let pass. */
export type Action = { readonly after: number | null } & (
  | { readonly do: 'submit'; readonly tasks: readonly TaskPlan[] }
  | {
      readonly do: 'batch';
      readonly tasks: readonly TaskPlan[];
      readonly maxParallel: number | null;
      readonly failFast: boolean;
      readonly progressThrows: boolean;
    }
  | {
      readonly do: 'subtasks';
      readonly tasks: readonly TaskPlan[];
      readonly parallel: boolean;
      readonly progressThrows: boolean;
    }
  | { readonly do: 'stream'; readonly tasks: readonly TaskPlan[]; readonly leaveAfter: number | null }
  | { readonly do: 'cancel'; readonly pick: number; readonly via: 'handle' | 'signal' }
  | { readonly do: 'abortShared' }
  | { readonly do: 'settle'; readonly pick: number; readonly fails: boolean }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'next'; readonly count: number }
  | { readonly do: 'sleep'; readonly ms: number }
  | {
      readonly do: 'call';
      readonly call: Exclude<Reentry, 'cancelSelf' | 'cancelAnother' | 'submit'>;
      readonly pick: number;
    }
  | { readonly do: 'register'; readonly service: ServicePlan }
  | { readonly do: 'wait'; readonly what: 'idle' | 'empty' | 'size'; readonly size: number }
  | { readonly do: 'explain' }
  | { readonly do: 'close'; readonly drainMs: number }
);

/** The random stream that only the pace is drawn from. */
const PACE_STREAM = 3;

export const KEYWORDS = ['paint', 'cook', 'sail', 'knit', 'whistle'] as const;
export const SERVICES = ['alpha', 'beta', 'gamma', 'delta'] as const;

type Kind = Action['do'];

const ACTIONS: readonly (readonly [number, Kind])[] = [
  [30, 'submit'],
  [3, 'batch'],
  [1, 'subtasks'],
  [1, 'stream'],
  [8, 'cancel'],
  [1, 'abortShared'],
  [14, 'settle'],
  [10, 'advance'],
  [10, 'next'],
  [2, 'sleep'],
  [6, 'call'],
  [2, 'register'],
  [2, 'wait'],
  [1, 'explain'],
  [1, 'close'],
];

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  const random = seeded(seed, 1);
  const setup = { ...setupOf(random), pace: seeded(seed, PACE_STREAM).chance(0.2) ? 2 ** -13 : 1 };
  const mix = mixOf(random);
  // Each seed leaves kinds of actions and options out: what never mixes with everything is found more often.
  const kinds = ACTIONS.map(
    ([weight, kind]) => [kind === 'submit' ? weight : random.chance(0.3) ? 0 : weight, kind] as const,
  );
  const style: Style = {
    mix,
    names: setup.services.map(({ name }) => name),
    usesOptions: random.next() * 0.6,
    usesKeys: random.chance(0.3),
    usesIds: random.chance(0.3),
    burst: random.pick([0, 0.1, 0.3, 0.6]),
  };
  const count = random.int(8, 60);
  const actions: Action[] = [];
  for (let index = 0; index < count; index += 1) {
    // Closing early would leave most runs empty.
    const kind = random.weighted(kinds);
    if (kind === 'close' && index < count * 0.7) continue;
    const after = random.chance(style.burst) ? random.int(0, 6) : null;
    actions.push({ after, ...actionOf(random, kind, style) });
  }
  return { seed, setup, actions };
}

interface Style {
  readonly mix: Mix;
  readonly names: readonly string[];
  readonly usesOptions: number;
  readonly usesKeys: boolean;
  readonly usesIds: boolean;
  readonly burst: number;
}

function setupOf(random: Random): Omit<Setup, 'pace'> {
  const count = random.int(1, 4);
  const services = SERVICES.slice(0, count).map((name) => servicePlanOf(random, name));
  return {
    config: configOf(random),
    services,
    rate: random.chance(0.15) ? ratePlanOf(random) : null,
    strategy: random.weighted<StrategyKind>([
      [6, 'default'],
      [4, 'sync'],
      [3, 'async'],
      [2, 'slow'],
      [1, 'throwing'],
      [1, 'rejecting'],
      [2, 'lying'],
      [1, 'silent'],
      [1, 'thenable'],
      [2, 'moody'],
    ]),
    throws: { listener: random.chance(0.1), log: random.chance(0.1), inspect: random.chance(0.05) },
    cancelEvery: random.chance(0.15) ? random.int(3, 15) : 0,
  };
}

function servicePlanOf(random: Random, name: string): ServicePlan {
  const concurrency = random.chance(0.4) ? null : random.int(1, 3);
  const rate = random.chance(0.08) ? ratePlanOf(random) : null;
  return { name, rate, concurrency, idempotent: random.chance(0.5) };
}

function ratePlanOf(random: Random): RatePlan {
  return {
    limit: random.int(1, 5),
    intervalSeconds: random.pick([0.5, 2, 10]),
    window: random.pick(['fixed', 'sliding']),
    carryOver: random.chance(0.3),
  };
}

/** Seconds that are whole milliseconds without rounding. */
const eighths = (random: Random, low: number, high: number): number => random.int(low, high) / 8;

function configOf(random: Random): ExecutionConfigInput {
  const sometimes = (probability: number, fields: () => ExecutionConfigInput): ExecutionConfigInput =>
    random.chance(probability) ? fields() : {};
  return {
    maxParallel: random.chance(0.05) ? Number.POSITIVE_INFINITY : random.int(1, 6),
    timeoutSeconds: eighths(random, 4, 60),
    maxRetries: random.int(0, 3),
    backoffBaseSeconds: random.pick([0.125, 0.5, 2]),
    backoffCapSeconds: random.pick([1, 5, 30]),
    circuitFailures: random.chance(0.2) ? 100 : random.int(1, 5),
    circuitCooldownSeconds: random.pick([0.5, 2, 5]),
    circuitCooldownCapSeconds: random.pick([5, 20]),
    confidenceThreshold: random.pick([0.3, 0.5, 0.7]),
    fallbackService: random.chance(0.3) ? null : random.pick(SERVICES),
    onUnavailable: random.pick(['next', 'next', 'fallback', 'wait', 'fail']),
    ...sometimes(0.2, () => ({ retryOnFailure: false })),
    ...sometimes(0.2, () => ({ queueTimeoutSeconds: eighths(random, 1, 40) })),
    ...sometimes(0.2, () => ({ deadlineSeconds: eighths(random, 8, 120) })),
    ...sometimes(0.2, () => ({ mailboxCapacity: random.int(1, 6) })),
    ...sometimes(0.2, () => ({ retryBudgetRatio: random.pick([0, 0.5, 1]) })),
    ...sometimes(0.3, () => ({ maxResultBytes: 500 })),
    ...sometimes(0.1, () => ({ startPaused: true })),
    ...sometimes(0.3, () => ({ routingTimeoutSeconds: random.pick([0.25, 2]) })),
    ...sometimes(0.2, () => ({ useKeywordMatching: false })),
    ...sometimes(0.7, () => ({ useCapabilityMatching: false })),
  };
}

function taskPlanOf(random: Random, style: Style): TaskPlan {
  const maybe = <T>(probability: number, value: () => T): T | null =>
    random.chance(probability * style.usesOptions * 2) ? value() : null;
  return {
    keyword: random.pick(KEYWORDS),
    script: scriptOf(random, style.mix),
    service: maybe(0.6, () => (random.chance(0.04) ? 'nobody' : random.pick(style.names))),
    priority: maybe(0.4, () => random.int(-1, 2)),
    timeoutMs: maybe(0.3, () => random.int(1, 40) * 125),
    queueTimeoutMs: maybe(0.3, () => random.int(1, 40) * 125),
    deadlineMs: maybe(0.3, () => random.int(1, 80) * 125),
    maxRetries: maybe(0.2, () => random.int(0, 4)),
    taskId: style.usesIds && random.chance(0.3) ? random.pick(['own-1', 'own-2']) : null,
    key: style.usesKeys && random.chance(0.4) ? random.pick(['k1', 'k2']) : null,
    signal: random.weighted([
      [6, 'none'],
      [2, 'own'],
      [1, 'shared'],
      [0.3, 'aborted'],
    ]),
    kwargs: random.weighted([
      [8, 'none'],
      [2, 'plain'],
      [0.2, 'uncloneable'],
    ]),
    progressThrows: random.chance(0.1),
  };
}

function actionOf(random: Random, kind: Kind, style: Style): Without<Action, 'after'> {
  const tasks = (low: number, high: number) =>
    Array.from({ length: random.int(low, high) }, () => taskPlanOf(random, style));
  switch (kind) {
    case 'submit':
      return { do: kind, tasks: tasks(1, random.chance(0.2) ? 8 : 2) };
    case 'batch':
      return {
        do: kind,
        tasks: tasks(0, 6),
        maxParallel: random.chance(0.4) ? random.int(1, 3) : null,
        failFast: random.chance(0.3),
        progressThrows: random.chance(0.15),
      };
    case 'subtasks':
      return {
        do: kind,
        tasks: tasks(1, 4),
        parallel: random.chance(0.7),
        progressThrows: random.chance(0.15),
      };
    case 'stream':
      return { do: kind, tasks: tasks(1, 4), leaveAfter: random.chance(0.5) ? random.int(0, 2) : null };
    case 'cancel':
      return { do: kind, pick: random.int(0, 99), via: random.pick(['handle', 'handle', 'signal']) };
    case 'settle':
      return { do: kind, pick: random.int(0, 99), fails: random.chance(0.4) };
    case 'advance':
      return { do: kind, ms: random.pick([1, 125, 250, 1000, 3000, 10_000]) };
    case 'next':
      return { do: kind, count: random.int(1, 3) };
    case 'sleep':
      return { do: kind, ms: random.pick([5000, 60_000, 3_600_000]) };
    case 'call': {
      const call = random.pick([
        'pause',
        'resume',
        'resume',
        'resize',
        'resize',
        'concurrency',
        'prioritise',
        'prioritise',
        'clear',
        'unregister',
        'replace',
      ] as const);
      return { do: kind, call, pick: random.int(0, 99) };
    }
    case 'register':
      return { do: kind, service: servicePlanOf(random, random.pick(SERVICES)) };
    case 'wait':
      return { do: kind, what: random.pick(['idle', 'empty', 'size']), size: random.int(1, 4) };
    case 'abortShared':
    case 'explain':
      return { do: kind };
    case 'close':
      return { do: kind, drainMs: random.pick([0, 500, 3000, 30_000]) };
  }
}

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
