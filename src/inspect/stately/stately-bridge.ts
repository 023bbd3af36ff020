import type { AnyActorRef, AnyEventObject, InspectionEvent } from 'xstate';
import { actorMessage, actorOf, eventMessage, type StatelyMessage, snapshotMessage } from './messages.js';

/** Events that go into one frame; what exceeds them is left out, snapshots tell where it led. */
const MOST_EVENTS = 200;

/** Takes the messages of a frame. */
export interface StatelyViewer {
  send(messages: readonly StatelyMessage[]): void;
}

interface SeenEvent {
  readonly actor: AnyActorRef;
  readonly event: AnyEventObject;
  readonly source: AnyActorRef | undefined;
}

/**
 * Owns: which actors there are, and what happened to them since the last frame. Talks to: the viewers.
 *
 * Invariants
 * - L1 while nobody watches it keeps the actors and nothing else, and computes nothing.
 * - L2 of one frame it keeps at most {@link MOST_EVENTS} events and one snapshot an actor.
 */
export class StatelyBridge {
  readonly #actors = new Set<AnyActorRef>();
  readonly #viewers = new Set<StatelyViewer>();
  #born: AnyActorRef[] = [];
  #events: SeenEvent[] = [];
  #snapshots = new Map<AnyActorRef, { readonly event: AnyEventObject; readonly snapshot: unknown }>();

  /** What `createOrchestrator({ inspect })` takes. */
  readonly inspect = (inspection: InspectionEvent): void => {
    const actor = actorOf(inspection);
    if (inspection.type === '@xstate.actor') {
      this.#actors.add(actor);
      if (this.isWatched) this.#born.push(actor);
      return;
    }
    if (!this.isWatched) return;
    if (inspection.type === '@xstate.event') {
      const source = inspection.sourceRef as unknown as AnyActorRef | undefined;
      if (this.#events.length < MOST_EVENTS) this.#events.push({ actor, event: inspection.event, source });
    } else if (inspection.type === '@xstate.snapshot') {
      this.#snapshots.set(actor, inspection);
    }
  };

  get isWatched(): boolean {
    return this.#viewers.size > 0;
  }

  /** Tells a viewer of every actor as it is now, and of what follows until the returned function is called. */
  watch(viewer: StatelyViewer): () => void {
    this.flush();
    viewer.send(this.everything());
    this.#viewers.add(viewer);
    return () => {
      this.#viewers.delete(viewer);
      if (!this.isWatched) this.#forgetFrame();
    };
  }

  /** Every actor as it is now. */
  everything(): StatelyMessage[] {
    for (const actor of this.#actors) {
      if (actor.getSnapshot().status !== 'active') this.#actors.delete(actor);
    }
    return [...this.#actors].map(actorMessage);
  }

  /** Sends what happened since the last frame. */
  flush(): void {
    const messages: StatelyMessage[] = [
      ...this.#born.map(actorMessage),
      ...this.#events.map(({ actor, event, source }) => eventMessage(actor, event, source)),
      ...[...this.#snapshots].map(([actor, { event, snapshot }]) => snapshotMessage(actor, event, snapshot)),
    ];
    this.#forgetFrame();
    if (messages.length > 0) for (const viewer of this.#viewers) viewer.send(messages);
  }

  #forgetFrame(): void {
    this.#born = [];
    this.#events = [];
    this.#snapshots = new Map();
  }
}
