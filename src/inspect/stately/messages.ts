import type { AnyActorRef, AnyEventObject, AnyStateMachine, InspectionEvent } from 'xstate';

/**
 * The three messages of the Stately inspector, as `@statelyai/inspect` 0.7 sends them, without anything that a person
 * said: texts of tasks, results, reasons and errors do not leave the process this way, since the page that shows them
 * comes from elsewhere.
 */

/** One message; JSON. */
export type StatelyMessage = ActorMessage | EventMessage | SnapshotMessage;

interface Head {
  readonly sessionId: string;
  readonly rootId: string;
  readonly _version: string;
  /** Milliseconds since 1970, as digits. */
  readonly createdAt: string;
  readonly id: null;
}

/** An actor that there is, with its machine. */
export interface ActorMessage extends Head {
  readonly type: '@xstate.actor';
  readonly name: string;
  readonly parentId: string | undefined;
  /** The machine's configuration, as JSON. */
  readonly definition: string;
  readonly snapshot: PlainSnapshot;
}

/** An event that an actor got. */
export interface EventMessage extends Head {
  readonly type: '@xstate.event';
  readonly event: PlainEvent;
  readonly sourceId: string | undefined;
}

/** The state that an actor is in. */
export interface SnapshotMessage extends Head {
  readonly type: '@xstate.snapshot';
  readonly event: PlainEvent;
  readonly snapshot: PlainSnapshot;
}

interface PlainEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

interface PlainSnapshot {
  readonly value: unknown;
  readonly status: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly children: Readonly<Record<string, never>>;
  readonly tags: readonly string[];
}

/** The version of the protocol, as its receivers read it. */
const PROTOCOL_VERSION = '0.7.2';

/** Letters of a text in an event: names of services and instances are shorter. */
const LONGEST_NAME = 80;
/** Fields of events that hold names of our own and no words of people. */
const NAMES: ReadonlySet<string> = new Set(['service', 'id', 'actorId']);

/** Tells of an actor as it is now. */
export function actorMessage(actor: AnyActorRef): ActorMessage {
  return {
    type: '@xstate.actor',
    name: actor.id,
    ...headOf(actor),
    parentId: actor._parent?.sessionId,
    definition: definitionOf((actor as { logic?: AnyStateMachine }).logic),
    snapshot: plainSnapshot(actor.getSnapshot()),
  };
}

export function eventMessage(
  actor: AnyActorRef,
  event: AnyEventObject,
  source: AnyActorRef | undefined,
): EventMessage {
  return { type: '@xstate.event', ...headOf(actor), event: plainEvent(event), sourceId: source?.sessionId };
}

export function snapshotMessage(
  actor: AnyActorRef,
  event: AnyEventObject,
  snapshot: unknown,
): SnapshotMessage {
  return {
    type: '@xstate.snapshot',
    ...headOf(actor),
    event: plainEvent(event),
    snapshot: plainSnapshot(snapshot),
  };
}

/** The actor of an inspection event, which XState's types leave open. */
export function actorOf({ actorRef }: InspectionEvent): AnyActorRef {
  return actorRef as unknown as AnyActorRef;
}

function headOf(actor: AnyActorRef): Head {
  return {
    sessionId: actor.sessionId,
    rootId: rootOf(actor).sessionId,
    _version: PROTOCOL_VERSION,
    createdAt: String(Date.now()),
    id: null,
  };
}

function rootOf(actor: AnyActorRef): AnyActorRef {
  return actor._parent === undefined ? actor : rootOf(actor._parent);
}

/** Functions in a configuration become their names, as in the original. */
function definitionOf(machine: AnyStateMachine | undefined): string {
  return JSON.stringify(machine?.config ?? {}, (_key, value) =>
    typeof value === 'function' ? { type: value.name } : value,
  );
}

function plainSnapshot(snapshot: unknown): PlainSnapshot {
  const { value, status, tags, context } = snapshot as {
    value?: unknown;
    status: string;
    tags?: ReadonlySet<string>;
    context?: object;
  };
  return { value, status, context: plainContext(context ?? {}), children: {}, tags: [...(tags ?? [])] };
}

/** What our own records say of themselves as JSON: ids, states and counts. All else is only named. */
function plainContext(context: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(context).map(([key, value]) => [
      key,
      hasToJson(value) ? value.toJSON() : `[${value?.constructor?.name ?? typeof value}]`,
    ]),
  );
}

/** Lists become their length, tasks their id and state, names stay; anything else is left out. */
function plainEvent(event: AnyEventObject): PlainEvent {
  const fields = Object.entries(event).flatMap(([key, value]): [string, unknown][] => {
    if (typeof value === 'number' || typeof value === 'boolean') return [[key, value]];
    if (Array.isArray(value)) return [[key, `${value.length}`]];
    if (typeof value === 'string') {
      return key === 'type' || NAMES.has(key) ? [[key, value.slice(0, LONGEST_NAME)]] : [];
    }
    return key === 'task' && hasToJson(value) ? [[key, value.toJSON()]] : [];
  });
  return { ...Object.fromEntries(fields), type: event.type };
}

function hasToJson(value: unknown): value is { toJSON(): object } {
  return (
    typeof value === 'object' && value !== null && 'toJSON' in value && typeof value.toJSON === 'function'
  );
}
