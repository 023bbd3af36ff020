import type { Clock } from '../../core/environment.js';
import type { ResourceSources } from './resource-sources.js';
import { parseResourceUri, type ResourceTarget } from './resource-uri.js';

/** Told that a resource has changed. The address is spelled as it was subscribed to. */
export type UpdateListener = (uri: string) => void;

/** What the updates watch. */
export interface UpdateSources extends ResourceSources {
  readonly clock: Clock;
}

/** Shortest time between two updates of one resource, in milliseconds. */
const UPDATE_INTERVAL_MS = 250;

/**
 * Tells subscribers that resources have changed.
 *
 * Owns: who subscribed to what, and a timer for each resource that changed a moment ago. Talks to: the orchestrator and
 * the runs, only while somebody subscribes to something of theirs.
 * Invariants:
 * - L1 a subscriber hears of a resource at most once in {@link UPDATE_INTERVAL_MS}, at once of the first change after a
 *   pause, and always of the last one;
 * - L2 without a subscriber there is no listener and no timer.
 */
export class Updates {
  readonly #sources: UpdateSources;
  readonly #topics = new Map<string, Topic>();
  /** The topics by what they are about; the same thing may be spelled in several ways. */
  readonly #byKey = new Map<string, Set<Topic>>();
  readonly #stops: Record<Source, (() => void) | undefined> = { orchestrator: undefined, runs: undefined };

  constructor(sources: UpdateSources) {
    this.#sources = sources;
  }

  /**
   * Calls the listener when the resource of this address changes. A listener that is given twice is told once. An
   * address that is none of ours never changes.
   *
   * @returns What ends it; to be called as often as `subscribe` was.
   */
  subscribe(uri: string, listener: UpdateListener): () => void {
    const topic = this.#topics.get(uri) ?? this.#open(uri);
    if (topic === undefined) return () => {};
    topic.listeners.set(listener, (topic.listeners.get(listener) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const count = topic.listeners.get(listener) ?? 0;
      if (count > 1) topic.listeners.set(listener, count - 1);
      else topic.listeners.delete(listener);
      if (topic.listeners.size === 0) this.#close(topic);
    };
  }

  #open(uri: string): Topic | undefined {
    const target = parseResourceUri(uri);
    const key = target && keyOf(target);
    if (key === undefined) return undefined;
    const topic: Topic = { uri, key, listeners: new Map(), timer: undefined, isDirty: false };
    this.#topics.set(uri, topic);
    const topics = this.#byKey.get(key);
    if (topics === undefined) this.#byKey.set(key, new Set([topic]));
    else topics.add(topic);
    this.#watch(sourceOf(key));
    return topic;
  }

  #close(topic: Topic): void {
    if (this.#topics.get(topic.uri) !== topic) return;
    this.#topics.delete(topic.uri);
    this.#sources.clock.clearTimeout(topic.timer);
    const topics = this.#byKey.get(topic.key);
    topics?.delete(topic);
    if (topics?.size === 0) this.#byKey.delete(topic.key);
    const source = sourceOf(topic.key);
    if ([...this.#byKey.keys()].some((key) => sourceOf(key) === source)) return;
    this.#stops[source]?.();
    this.#stops[source] = undefined;
  }

  #watch(source: Source): void {
    const { orchestrator, runs } = this.#sources;
    this.#stops[source] ??=
      source === 'runs'
        ? runs?.watch((id) => this.#touch(runKey(id)))
        : orchestrator.watch?.((service) => {
            if (service !== null) this.#touch(serviceKey(service));
            this.#touch('services');
            this.#touch('stats');
          });
  }

  #touch(key: string): void {
    const topics = this.#byKey.get(key);
    if (topics === undefined) return;
    for (const topic of topics) {
      if (topic.timer === undefined) this.#tell(topic);
      else topic.isDirty = true;
    }
  }

  #tell(topic: Topic): void {
    topic.isDirty = false;
    topic.timer = this.#sources.clock.setTimeout(() => {
      topic.timer = undefined;
      if (topic.isDirty) this.#tell(topic);
    }, UPDATE_INTERVAL_MS);
    // What is owed to a subscriber keeps no process alive.
    (topic.timer as { unref?: () => void }).unref?.();
    // A copy: a listener whose client is gone ends its subscription.
    for (const listener of [...topic.listeners.keys()]) listener(topic.uri);
  }
}

interface Topic {
  readonly uri: string;
  readonly key: string;
  readonly listeners: Map<UpdateListener, number>;
  timer: unknown;
  isDirty: boolean;
}

type Source = 'orchestrator' | 'runs';

function keyOf(target: ResourceTarget): string | undefined {
  switch (target.kind) {
    case 'service':
      return serviceKey(target.name);
    case 'run':
      return runKey(target.id);
    case 'machine':
      // Definitions never change.
      return undefined;
    default:
      return target.kind;
  }
}

function serviceKey(name: string): string {
  return `service ${name}`;
}

function runKey(id: string): string {
  return `run ${id}`;
}

function sourceOf(key: string): Source {
  return key.startsWith('run ') ? 'runs' : 'orchestrator';
}
