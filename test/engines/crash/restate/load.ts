import { setTimeout as sleep } from 'node:timers/promises';
import { createOrchestrator, type Orchestrator, type TaskHandle, type TaskResult } from 'gaffr';
import { mulberry32 } from '../../../simulation/random.js';
import { config, servicesThatTell } from './services.mjs';

/** Tasks in flight: several times as many as may run at once, so that a kill meets waiting, running and resting ones. */
const LANES = 40;

/** How long the tasks that are left may take to end. */
const MOST_REST_MS = 60_000;

/** What the load knows of one of its tasks. */
export interface Story {
  readonly taskId: string;
  readonly service: string;
  /** What the service is asked for: how long to take, in milliseconds. */
  readonly task: string;
  /** It has an idempotency key, so that it can be asked for again. */
  readonly key: string | null;
  isCancelled: boolean;
  isAccepted: boolean;
  result: TaskResult | null;
  endedAtMs: number;
}

/** Tasks that are handed over without a pause, by a process that survives. */
export class Load {
  readonly stories: Story[] = [];
  readonly #engine: { readonly ingressUrl: string; readonly adminUrl: string };
  readonly #orchestrator: Orchestrator;
  readonly #random: () => number;
  readonly #lanes: Promise<void>[];
  #isOver = false;

  constructor(engine: { readonly ingressUrl: string; readonly adminUrl: string }, seed: number) {
    this.#engine = engine;
    this.#orchestrator = openOrchestrator(engine);
    this.#random = mulberry32(seed);
    this.#lanes = Array.from({ length: LANES }, (_, lane) => this.#keepBusy(lane));
  }

  /** Hands nothing more over, and waits for the ends of what is under way; not for ever. */
  async end(): Promise<void> {
    this.#isOver = true;
    const giveUp = new AbortController();
    await Promise.race([
      Promise.all(this.#lanes),
      sleep(MOST_REST_MS, undefined, { signal: giveUp.signal }).catch(() => {}),
    ]);
    giveUp.abort();
    await this.#orchestrator.close({ drainSeconds: 0 });
  }

  /**
   * Asks for every task that has a key again, as a process that knows only the key. Not for those that were cancelled: their
   * keys are free.
   *
   * @returns Those that ended otherwise than was told.
   */
  async askAgain(): Promise<Story[]> {
    const orchestrator = openOrchestrator(this.#engine);
    const left = this.stories.filter(
      ({ key, result }) => key !== null && result !== null && !isGivenUp(result),
    );
    const different: Story[] = [];
    const askOne = async (): Promise<void> => {
      for (let story = left.pop(); story !== undefined; story = left.pop()) {
        const { service, task, key, result } = story;
        const again = await orchestrator.execute(task, {
          service,
          ...(key !== null && { idempotencyKey: key }),
        });
        if (result !== null && endOf(again) !== endOf(result)) different.push(story);
      }
    };
    await Promise.all(Array.from({ length: 8 }, askOne));
    await orchestrator.close();
    return different;
  }

  async #keepBusy(lane: number): Promise<void> {
    for (let count = 0; !this.#isOver; count += 1) {
      const story = this.#nextStory(lane, count);
      this.stories.push(story);
      const { task, taskId, service, key } = story;
      const handle = this.#orchestrator.submit(task, {
        taskId,
        service,
        ...(key !== null && { idempotencyKey: key }),
      });
      story.isAccepted = await handle.accepted();
      if ((lane + count) % 5 === 4) void this.#cancelSoon(handle, story);
      story.result = await handle.result();
      story.endedAtMs = Date.now();
    }
  }

  #nextStory(lane: number, count: number): Story {
    const taskId = `${lane}.${count}`;
    return {
      taskId,
      service: ['safe', 'unsafe', 'flaky', 'unsafe', 'safe', 'safe', 'unsafe'][(lane + count) % 7] as string,
      task: String(Math.round(20 + this.#random() * 100)),
      key: lane % 2 === 0 ? `crash ${taskId}` : null,
      isCancelled: false,
      isAccepted: false,
      result: null,
      endedAtMs: 0,
    };
  }

  async #cancelSoon(handle: TaskHandle, story: Story): Promise<void> {
    await sleep(this.#random() * 400);
    if (story.result !== null) return;
    story.isCancelled = true;
    handle.cancel(new Error('not wanted any more'));
  }
}

function openOrchestrator({ ingressUrl, adminUrl }: { ingressUrl: string; adminUrl: string }): Orchestrator {
  return createOrchestrator({
    services: servicesThatTell({ begun: () => {}, ended: () => {} }),
    config,
    // A server of several nodes takes a while to come back.
    engine: { kind: 'restate', ingressUrl, adminUrl, timeoutSeconds: 60 },
  });
}

function isGivenUp({ status }: TaskResult): boolean {
  return status === 'cancelled' || status === 'rejected';
}

function endOf({ status, result, attempts, errorCode }: TaskResult): string {
  return JSON.stringify([status, result, attempts, errorCode]);
}
