import type { Random } from './random.js';

/** What the code of a service does in one attempt. Plain data, so that a plan can be printed and shortened. */
export type Behaviour =
  /** Answers at once (`delayMs` null), as a promise (0) or after a while. */
  | { readonly kind: 'answer'; readonly value: Value; readonly delayMs: number | null }
  | {
      readonly kind: 'fail';
      readonly cause: Cause;
      readonly delayMs: number | null;
      readonly retryAfterMs: number | null;
    }
  /** Ends when the scheduler says so. */
  | { readonly kind: 'manual'; readonly onAbort: OnAbort }
  /** Never ends by itself. */
  | { readonly kind: 'never'; readonly onAbort: OnAbort }
  /** Ignores its signal and ends after a while. */
  | { readonly kind: 'late'; readonly delayMs: number; readonly fails: boolean }
  | { readonly kind: 'thenable'; readonly trick: Trick }
  | {
      readonly kind: 'generator';
      readonly items: number;
      readonly delayMs: number;
      readonly trick: GeneratorTrick;
    }
  /** Calls back into the orchestrator, then answers at once. */
  | { readonly kind: 'reenter'; readonly call: Reentry; readonly answers: boolean };

export type Value = 'text' | 'undefined' | 'null' | 'huge' | 'cycle' | 'revoked' | 'function';
export type Cause =
  | 'error'
  | 'undefined'
  | 'null'
  | 'text'
  | 'hostile'
  | 'hostileError'
  | 'refusal'
  | 'notRetryable'
  | 'crashed'
  | 'tooMany'
  | 'busy503';
/** What the code does when its signal fires. */
export type OnAbort = 'ignore' | 'reject' | 'resolve' | 'rejectLater' | 'cancelAnother';
export type Trick = 'twice' | 'throwsAfter' | 'throwsBefore' | 'never' | 'nested' | 'getterThrows';
export type GeneratorTrick = 'ends' | 'endless' | 'throws' | 'returnThrows' | 'stuck';
export type Reentry =
  | 'cancelSelf'
  | 'cancelAnother'
  | 'submit'
  | 'pause'
  | 'resume'
  | 'resize'
  | 'clear'
  | 'concurrency'
  | 'prioritise'
  | 'unregister'
  | 'replace';

/** Which behaviours a seed may use, and how often. Each seed leaves most of them out, so that few faults mix at a time. */
export type Mix = readonly (readonly [weight: number, kind: Behaviour['kind']])[];

const KINDS: Mix = [
  [6, 'answer'],
  [6, 'fail'],
  [5, 'manual'],
  [2, 'never'],
  [3, 'late'],
  [1, 'thenable'],
  [1, 'generator'],
  [1, 'reenter'],
];

export function mixOf(random: Random): Mix {
  const mix = KINDS.map(
    ([weight, kind]) => [random.chance(0.45) ? 0 : weight * random.int(1, 3), kind] as const,
  );
  return mix.some(([weight]) => weight > 0) ? mix : KINDS;
}

/** What the attempts of one task do, the last entry for all further ones. */
export function scriptOf(random: Random, mix: Mix): Behaviour[] {
  return Array.from({ length: random.int(1, 3) }, () => behaviourOf(random, random.weighted(mix)));
}

const delayOf = (random: Random): number => random.pick([0, 1, 125, 250, 500, 1000, 2000, 4000]);
const onAbortOf = (random: Random): OnAbort =>
  random.weighted([
    [3, 'ignore'],
    [3, 'reject'],
    [1, 'resolve'],
    [1, 'rejectLater'],
    [1, 'cancelAnother'],
  ]);

function behaviourOf(random: Random, kind: Behaviour['kind']): Behaviour {
  switch (kind) {
    case 'answer': {
      const value = random.weighted<Value>([
        [12, 'text'],
        [1, 'undefined'],
        [1, 'null'],
        [1, 'huge'],
        [1, 'cycle'],
        [1, 'revoked'],
        [1, 'function'],
      ]);
      return { kind, value, delayMs: random.chance(0.4) ? null : delayOf(random) };
    }
    case 'fail': {
      const cause = random.weighted<Cause>([
        [10, 'error'],
        [1, 'undefined'],
        [1, 'null'],
        [1, 'text'],
        [1, 'hostile'],
        [1, 'hostileError'],
        [2, 'refusal'],
        [1, 'notRetryable'],
        [2, 'crashed'],
        [2, 'tooMany'],
        [1, 'busy503'],
      ]);
      const isLimited = cause === 'tooMany' || cause === 'busy503';
      const delayMs = random.chance(0.4) ? null : delayOf(random);
      return { kind, cause, delayMs, retryAfterMs: isLimited ? random.pick([0, 500, 3000, 60_000]) : null };
    }
    case 'manual':
    case 'never':
      return { kind, onAbort: onAbortOf(random) };
    case 'late':
      return { kind, delayMs: random.pick([1000, 3000, 8000, 20_000]), fails: random.chance(0.3) };
    case 'thenable':
      return {
        kind,
        trick: random.pick<Trick>([
          'twice',
          'throwsAfter',
          'throwsBefore',
          'never',
          'nested',
          'getterThrows',
        ]),
      };
    case 'generator': {
      const trick = random.pick<GeneratorTrick>(['ends', 'endless', 'throws', 'returnThrows', 'stuck']);
      return { kind, items: random.int(0, 3), delayMs: random.pick([0, 250, 1000]), trick };
    }
    case 'reenter': {
      const call = random.weighted<Reentry>([
        [4, 'cancelSelf'],
        [4, 'cancelAnother'],
        [3, 'submit'],
        [1, 'pause'],
        [2, 'resume'],
        [2, 'resize'],
        [1, 'clear'],
        [1, 'concurrency'],
        [1, 'prioritise'],
        [1, 'unregister'],
        [1, 'replace'],
      ]);
      return { kind, call, answers: random.chance(0.7) };
    }
  }
}
