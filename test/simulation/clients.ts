import type { TaskResult } from '../../src/core/result.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import type { Behaviour } from './behaviour.js';
import { type Client, CountedSignal, isOpen, optionsOf, throwing } from './client.js';
import type { Action, TaskPlan } from './plan.js';
import { hashOf } from './random.js';
import type { Recorder } from './recorder.js';

/** What the clients need of the world around them. */
export interface ClientWorld {
  readonly orchestrator: () => Orchestrator;
  readonly nowMs: () => number;
  readonly recorder: Recorder;
  readonly breaks: (invariant: string, text: string) => void;
  /** The orchestrator was told to close. */
  readonly isClosing: () => boolean;
}

/**
 * Owns: the callers of one run, what they asked for and what they were answered. Talks to: the orchestrator, through its
 * public names. Correct use of the API never throws and never rejects.
 */
export class Clients {
  readonly all: Client[] = [];
  readonly signals: CountedSignal[] = [];
  /** Calls that have not come to their end. */
  openCalls = 0;
  readonly #world: ClientWorld;
  readonly #byText = new Map<string, Client>();
  #shared = this.#newSignal();
  #labels = 0;
  /** Set while the code of a service or a listener calls back: cancels are then asked for in the middle of something. */
  #isInside = false;
  #insideCalls = 0;

  constructor(world: ClientWorld) {
    this.#world = world;
  }

  /** The first client whose task has this text. */
  clientOf(text: string): Client | undefined {
    return this.#byText.get(text);
  }

  scriptOf(text: string): readonly Behaviour[] {
    return this.#byText.get(text)?.plan.script ?? [];
  }

  submit(plan: TaskPlan): Client {
    const client = this.#newClient(plan);
    const { text, signal } = client;
    const handle = this.calling(() => this.#orchestrator.submit(text, optionsOf(plan, signal)));
    client.handle = handle ?? null;
    if (handle) this.follow(handle.result(), (result) => this.#onResult(client, result));
    return client;
  }

  batch({ tasks, maxParallel, failFast, progressThrows }: Extract<Action, { do: 'batch' }>): void {
    const clients = tasks.map((plan) =>
      this.#newClient({ ...plan, signal: plan.signal === 'own' ? 'none' : plan.signal }),
    );
    const inputs = clients.map(({ text, plan, signal }) => ({ task: text, ...optionsOf(plan, signal) }));
    const options = {
      failFast,
      ...(maxParallel === null ? {} : { maxParallel }),
      ...progressOf(progressThrows),
    };
    const results = this.calling(() => this.#orchestrator.executeParallel(inputs, options));
    if (results) this.follow(results, (all) => this.#onResults(clients, all));
  }

  subtasks({ tasks, parallel, progressThrows }: Extract<Action, { do: 'subtasks' }>): void {
    const clients = tasks.map((plan) =>
      this.#newClient({ ...plan, signal: 'none', taskId: null, kwargs: 'none' }),
    );
    const subtasks = clients.map(({ text, plan }, index) => {
      const { onProgress: _, ...options } = optionsOf(plan, null);
      const waits = index > 0 && hashOf(text) % 3 === 0;
      return { task: text, ...options, ...(waits ? { dependsOn: [String(index)] } : {}) };
    });
    const options = { parallel, ...progressOf(progressThrows) };
    const results = this.calling(() => this.#orchestrator.executeSubtasks(subtasks, options));
    if (results) this.follow(results, (all) => this.#onResults(clients, all));
  }

  async stream({ tasks, leaveAfter }: Extract<Action, { do: 'stream' }>): Promise<void> {
    const clients = tasks.map((plan) => this.#newClient({ ...plan, signal: 'none' }));
    const inputs = clients.map(({ text, plan }) => ({ task: text, ...optionsOf(plan, null) }));
    this.openCalls += 1;
    let seen = 0;
    try {
      for await (const result of this.#orchestrator.stream(inputs)) {
        seen += 1;
        if (result === undefined) this.#world.breaks('C12', 'a stream gave no result');
        if (leaveAfter !== null && seen > leaveAfter) break;
      }
      if (leaveAfter === null && seen !== tasks.length) {
        this.#world.breaks('C12', `a stream of ${tasks.length} tasks gave ${seen} results`);
      }
    } catch (cause) {
      this.#world.breaks('C1', `a stream rejected: ${textOf(cause)}`);
    }
    this.openCalls -= 1;
  }

  cancelOne(pick: number, via: 'handle' | 'signal'): void {
    const open = this.all.filter(
      ({ handle, signal }) => isOpen(handle) && (via === 'handle' || signal !== null),
    );
    const client = open[pick % open.length];
    if (client === undefined) return;
    if (via === 'signal') this.#abort(client.signal as CountedSignal);
    else this.#cancel(client, new Error('cancelled by the plan'));
  }

  /** The task of this text is cancelled by its own service. */
  cancelSelf(text: string): void {
    const client = this.all.find((each) => each.text === text && isOpen(each.handle));
    if (client) this.#cancel(client, 'by itself');
  }

  abortShared(): void {
    this.#abort(this.#shared);
  }

  /** Runs code that is called by the runtime. */
  inside(call: () => void): void {
    const before = this.#isInside;
    this.#insideCalls += 1;
    this.#isInside = true;
    this.calling(call);
    this.#isInside = before;
  }

  calling<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (cause) {
      this.#world.breaks('C1', `a call threw: ${textOf(cause)}`);
      return undefined;
    }
  }

  follow<T>(promise: Promise<T>, then: (value: T) => void): void {
    this.openCalls += 1;
    promise.then(
      (value) => {
        this.openCalls -= 1;
        then(value);
      },
      (cause) => {
        this.openCalls -= 1;
        this.#world.breaks('C1', `a call rejected: ${textOf(cause)}`);
      },
    );
  }

  get #orchestrator(): Orchestrator {
    return this.#world.orchestrator();
  }

  #newClient(plan: TaskPlan): Client {
    this.#labels += 1;
    // Tasks of one key are the same task.
    const text = plan.key === null ? `${plan.keyword} #${this.#labels}` : `keyed ${plan.key}`;
    const client: Client = {
      plan,
      text,
      submittedAtMs: this.#world.nowMs(),
      signal: this.#signalOf(plan.signal),
      handle: null,
      settlements: 0,
      result: null,
      cancel: 'none',
    };
    this.all.push(client);
    if (!this.#byText.has(text)) this.#byText.set(text, client);
    return client;
  }

  #onResult(client: Client, result: TaskResult): void {
    client.settlements += 1;
    client.result = result;
    this.#world.recorder.trace(`result ${client.text} ${result.status} ${result.errorCode}`);
  }

  #onResults(clients: readonly Client[], results: readonly TaskResult[]): void {
    const { breaks } = this.#world;
    if (results.length !== clients.length)
      breaks('C12', `${clients.length} tasks, ${results.length} results`);
    clients.forEach((client, index) => {
      const result = results[index];
      if (result === undefined) {
        breaks('C12', `task ${index + 1} of a batch has no result`);
        return;
      }
      this.#onResult(client, result);
      const isEcho = typeof result.result === 'string' && result.result.includes('#');
      if (isEcho && result.result !== client.text) {
        breaks('C12', `"${client.text}" got the result of "${result.result}"`);
      }
    });
  }

  #cancel(client: Client, reason: unknown): void {
    this.#expectCancel(client);
    client.handle?.cancel(reason);
  }

  #abort(signal: CountedSignal): void {
    const before = this.#insideCalls;
    const clients = this.all.filter((client) => client.signal === signal);
    for (const client of clients) this.#expectCancel(client);
    if (signal === this.#shared) this.#shared = this.#newSignal();
    signal.abort();
    // The first task of a shared signal frees a slot, and what starts in it may end the others before it reaches them.
    if (this.#insideCalls === before) return;
    for (const client of clients) if (client.cancel === 'strict') client.cancel = 'loose';
  }

  #expectCancel(client: Client): void {
    if (!isOpen(client.handle) || client.cancel !== 'none') return;
    client.cancel = this.#isInside || this.#world.isClosing() ? 'loose' : 'strict';
  }

  #signalOf(kind: TaskPlan['signal']): CountedSignal | null {
    if (kind === 'none') return null;
    if (kind === 'shared') return this.#shared;
    const signal = this.#newSignal();
    if (kind === 'aborted') signal.abort();
    return signal;
  }

  #newSignal(): CountedSignal {
    const signal = new CountedSignal();
    this.signals.push(signal);
    return signal;
  }
}

function progressOf(throws: boolean): { onProgress?: () => void } {
  return throws ? { onProgress: throwing } : {};
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? `${cause.message} ${cause.stack?.split('\n')[1]?.trim()}` : String(cause);
}
