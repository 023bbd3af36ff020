import type { Clock } from '../../src/core/environment.js';
import type { Service, ServiceContext } from '../../src/core/service.js';
import type { Behaviour, OnAbort } from './behaviour.js';
import { answerOf, causeOf } from './outcomes.js';
import { KEYWORDS, SERVICES, type ServicePlan } from './plan.js';

/** One attempt whose code really runs, whatever the runtime believes. */
export interface VirtualAttempt {
  readonly service: VirtualService;
  readonly task: string;
  readonly context: ServiceContext;
  readonly startedAtMs: number;
  /** The period of the circuit in which it began; null when the circuit was closed. */
  readonly probeEpoch: number | null;
  /** Ends the attempt from outside; null when its code ends by itself. */
  release: ((fails: boolean) => void) | null;
}

/** What a virtual service needs of the world around it. */
export interface ServiceWorld {
  readonly clock: Clock;
  /** What the services' times are multiplied with. */
  readonly pace: number;
  behaviourOf(task: string, attempt: number): Behaviour;
  reenter(call: Extract<Behaviour, { kind: 'reenter' }>['call'], task: string): void;
  /** Called as an attempt begins; answers in which open period of the circuit it does. */
  began(service: VirtualService): number | null;
}

/** A service that behaves as its tasks' scripts say, and counts what really runs. */
export class VirtualService {
  readonly plan: ServicePlan;
  readonly running = new Set<VirtualAttempt>();
  /** When its attempts began, in milliseconds. */
  readonly starts: number[] = [];
  closes = 0;
  /** Most attempts at once; null means `maxParallel`. */
  concurrency: number | null;
  /** The highest limit since the last check: what started under it may go on. */
  recentConcurrency: number;
  readonly #world: ServiceWorld;

  constructor(plan: ServicePlan, world: ServiceWorld) {
    this.plan = plan;
    this.concurrency = plan.concurrency;
    this.recentConcurrency = plan.concurrency ?? 0;
    this.#world = world;
  }

  /** @param recentMaxParallel - The highest since the last check: without a limit of its own it was the service's. */
  limit(concurrency: number, recentMaxParallel: number): void {
    const was = this.concurrency ?? recentMaxParallel;
    this.recentConcurrency = Math.max(this.recentConcurrency, was, concurrency);
    this.concurrency = concurrency;
  }

  /** What is registered. */
  asService(): Service {
    const { name, concurrency, idempotent, rate } = this.plan;
    const position = SERVICES.indexOf(name as (typeof SERVICES)[number]);
    return {
      execute: (task, context) => this.#execute(task, context),
      description: `A service that can ${KEYWORDS[position]} things`,
      keywords: [KEYWORDS[position] ?? 'nothing'],
      idempotent,
      ...(concurrency === null ? {} : { concurrency }),
      ...(rate === null ? {} : { rateLimit: rate }),
      close: () => {
        this.closes += 1;
      },
    };
  }

  #execute(task: string, context: ServiceContext): unknown {
    const attempt: VirtualAttempt = {
      service: this,
      task,
      context,
      startedAtMs: this.#world.clock.now(),
      probeEpoch: this.#world.began(this),
      release: null,
    };
    this.running.add(attempt);
    return this.#behave(this.#world.behaviourOf(task, context.attempt), attempt);
  }

  #behave(behaviour: Behaviour, attempt: VirtualAttempt): unknown {
    switch (behaviour.kind) {
      case 'answer':
        return this.#after(behaviour.delayMs, attempt, () => answerOf(behaviour.value, attempt.task));
      case 'fail':
        return this.#after(behaviour.delayMs, attempt, () => {
          throw causeOf(behaviour.cause, behaviour.retryAfterMs);
        });
      case 'late':
        return this.#after(behaviour.delayMs, attempt, () => {
          if (behaviour.fails) throw new Error('too late');
          return 'too late';
        });
      case 'manual':
      case 'never':
        return this.#held(attempt, behaviour.onAbort);
      case 'thenable':
        return this.#thenable(behaviour.trick, attempt);
      case 'generator':
        return behaviour.trick === 'returnThrows'
          ? this.#stubbornIterator(behaviour, attempt)
          : this.#generator(behaviour, attempt);
      case 'reenter':
        try {
          this.#world.reenter(behaviour.call, attempt.task);
          if (behaviour.answers) return answerOf('text', attempt.task);
          throw new Error('called back and failed');
        } finally {
          this.running.delete(attempt);
        }
    }
  }

  /** `delayMs` null: at once, without a promise. */
  #after(delayMs: number | null, attempt: VirtualAttempt, outcome: () => unknown): unknown {
    const end = (): unknown => {
      this.running.delete(attempt);
      return outcome();
    };
    if (delayMs === null) return end();
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        try {
          resolve(end());
        } catch (cause) {
          reject(cause);
        }
      };
      if (delayMs === 0) settle();
      else this.#world.clock.setTimeout(settle, delayMs * this.#world.pace);
    });
  }

  #held(attempt: VirtualAttempt, onAbort: OnAbort): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = (call: () => void): void => {
        if (this.running.delete(attempt)) call();
      };
      attempt.release = (fails) =>
        settle(() => (fails ? reject(new Error('released')) : resolve(answerOf('text', attempt.task))));
      // A service that ignores its signal does not even look at it.
      if (onAbort === 'ignore') return;
      const { signal } = attempt.context;
      signal.addEventListener('abort', () => {
        if (onAbort === 'cancelAnother') this.#world.reenter('cancelAnother', attempt.task);
        if (onAbort === 'resolve') settle(() => resolve('aborted'));
        else if (onAbort === 'rejectLater') {
          this.#world.clock.setTimeout(() => settle(() => reject(signal.reason)), 250);
        } else settle(() => reject(signal.reason));
      });
    });
  }

  #thenable(trick: Extract<Behaviour, { kind: 'thenable' }>['trick'], attempt: VirtualAttempt): unknown {
    const end = (): void => {
      this.running.delete(attempt);
    };
    if (trick === 'getterThrows') {
      return Object.defineProperty({}, 'then', {
        get() {
          end();
          throw new Error('then cannot be read');
        },
      });
    }
    return {
      // biome-ignore lint/suspicious/noThenProperty: a thenable that misbehaves is the point
      then(onValue: (value: unknown) => void, onFault: (cause: unknown) => void): void {
        if (trick === 'never') {
          attempt.release = (fails) => {
            end();
            if (fails) onFault(new Error('released'));
            else onValue('released');
          };
          return;
        }
        end();
        if (trick === 'throwsBefore') throw new Error('then throws');
        onValue(trick === 'nested' ? Promise.resolve(attempt.task) : attempt.task);
        if (trick === 'throwsAfter') throw new Error('then throws afterwards');
        if (trick !== 'twice') return;
        onValue('again');
        onFault(new Error('and failed'));
      },
    };
  }

  async *#generator(
    { items, delayMs, trick }: Extract<Behaviour, { kind: 'generator' }>,
    attempt: VirtualAttempt,
  ): AsyncGenerator<string> {
    let isReleased = false;
    const released = new Promise<void>((resolve) => {
      attempt.release = () => {
        isReleased = true;
        resolve();
      };
    });
    try {
      for (let item = 0; item < items; item += 1) {
        if (delayMs > 0) await this.#sleep(delayMs);
        yield `item ${item}`;
      }
      if (trick === 'throws') throw new Error('the generator failed');
      if (trick === 'stuck') await released;
      while (trick === 'endless' && !isReleased) {
        await this.#sleep(Math.max(delayMs, 250));
        yield 'more';
      }
    } finally {
      this.running.delete(attempt);
    }
  }

  /** An iterator whose `return` throws at once. */
  #stubbornIterator(
    { items, delayMs }: Extract<Behaviour, { kind: 'generator' }>,
    attempt: VirtualAttempt,
  ): AsyncIterable<string> {
    let given = 0;
    let isWaiting = false;
    const iterator = {
      next: async (): Promise<IteratorResult<string>> => {
        isWaiting = true;
        await this.#sleep(Math.max(delayMs, 125));
        isWaiting = false;
        given += 1;
        const done = given > items;
        if (done || attempt.context.signal.aborted) this.running.delete(attempt);
        return done ? { done, value: undefined } : { done, value: `item ${given}` };
      },
      return: (): never => {
        if (!isWaiting) this.running.delete(attempt);
        throw new Error('return throws');
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.clock.setTimeout(resolve, ms);
    });
  }
}
