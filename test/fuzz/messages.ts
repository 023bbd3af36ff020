import type { Random } from '../simulation/random.js';
import { noise, noiseObject, noiseText } from './noise.js';

/** A message before it is written down; not always one that the protocol knows. */
export type Draft = Record<string, unknown>;

const TOOLS = [
  'execute',
  'executeParallel',
  'listServices',
  'executeSubtasks',
  'getRun',
  'cancelRun',
  'explainRoute',
];
const SERVICES = ['echo', 'slow', 'print', 'strange', 'fails', 'big', 'nobody'];

const METHODS = [
  'ping',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'server/discover',
  'subscriptions/listen',
  'tasks/get',
  'tasks/update',
  'tasks/cancel',
  'tasks/list',
  'initialize',
  'roots/list',
  'sampling/createMessage',
];
const NOTIFICATIONS = [
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
  'notifications/nothing',
];

/** One message. Its id tells its seed, if it has an ordinary one. */
export function draftMessage(random: Random, seed: number): Draft {
  const id = idOf(random, seed);
  return random.weighted<() => Draft>([
    [10, () => toolCall(random, id)],
    [5, () => request(random, id, random.pick(METHODS), plausibleParams(random))],
    [2, () => request(random, id, noiseText(random), noiseObject(random))],
    [3, () => notification(random, seed)],
    [1, () => ({ jsonrpc: '2.0', id: anyId(random, id), result: noise(random) })],
    [
      1,
      () => ({
        jsonrpc: '2.0',
        id: anyId(random, id),
        error: { code: noise(random), message: noise(random) },
      }),
    ],
    [1, () => noiseObject(random)],
  ])();
}

/** A change of one message that leaves it JSON. */
export function disturb(random: Random, message: Draft): unknown {
  const keys = Object.keys(message);
  const key = keys.length === 0 ? 'id' : random.pick(keys);
  return random.weighted<() => unknown>([
    [4, () => ({ ...message, [key]: noise(random) })],
    [2, () => Object.fromEntries(Object.entries(message).filter(([name]) => name !== key))],
    [2, () => ({ ...message, [noiseText(random)]: noise(random) })],
    [1, () => [message]],
    [1, () => [message, message, noise(random)]],
    [1, () => []],
    [1, () => noise(random)],
  ])();
}

function request(random: Random, id: string | number, method: string, params: Draft): Draft {
  const meta = random.weighted<() => Draft>([
    [4, () => ({})],
    [4, () => ({ _meta: envelope() })],
    [1, () => ({ _meta: { ...envelope(), progressToken: anyId(random, id) } })],
    [1, () => ({ _meta: { progressToken: anyId(random, id) } })],
    [1, () => ({ _meta: noise(random) })],
  ])();
  const ownId = random.chance(0.93) ? id : anyId(random, id);
  return { jsonrpc: '2.0', id: ownId, method, params: { ...meta, ...params } };
}

function envelope(): Draft {
  return {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
  };
}

function notification(random: Random, seed: number): Draft {
  const method = random.pick(NOTIFICATIONS);
  const params =
    method === 'notifications/cancelled' && random.chance(0.7)
      ? { requestId: idOf(random, seed - random.int(0, 4)), reason: noise(random) }
      : noise(random);
  return { jsonrpc: '2.0', method, params };
}

function idOf(random: Random, seed: number): string | number {
  return random.chance(0.5) ? `f${seed}` : seed;
}

function toolCall(random: Random, id: string | number): Draft {
  const name = toolName(random);
  return request(random, id, 'tools/call', { name, arguments: toolArguments(random, name) });
}

function toolName(random: Random): unknown {
  return random.chance(0.95) ? random.pick(TOOLS) : noise(random);
}

/** Mostly what the tool wants. */
function toolArguments(random: Random, tool: unknown): unknown {
  const wanted = random.chance(0.85) ? tool : random.pick(TOOLS);
  switch (wanted) {
    case 'execute':
    case 'explainRoute':
      return wanted === 'execute' ? task(random) : { task: noiseText(random) };
    case 'executeParallel':
      return {
        tasks: several(random),
        ...(random.chance(0.3) && { failFast: true, maxParallel: maybe(random, 3) }),
      };
    case 'executeSubtasks':
      return { subtasks: several(random), ...(random.chance(0.3) && { parallel: maybe(random, false) }) };
    case 'listServices':
      return random.chance(0.5) ? {} : { query: noiseText(random), detail: noise(random) };
    case 'getRun':
    case 'cancelRun':
      return { runId: noiseText(random), ...(random.chance(0.3) && { waitSeconds: maybe(random, 0) }) };
    default:
      return noise(random);
  }
}

function several(random: Random): unknown[] {
  const ids = ['a', 'b', 'c', '__proto__'];
  return Array.from({ length: random.int(0, 4) }, () =>
    random.chance(0.3)
      ? noiseText(random)
      : {
          ...task(random),
          ...(random.chance(0.5) && { id: random.pick(ids), dependsOn: [random.pick(ids)] }),
        },
  );
}

function task(random: Random): Draft {
  const options: Draft = {
    kwargs: noiseObject(random),
    priority: maybe(random, 5),
    // Kept short, so that a slow service ends within the patience of the run.
    timeoutSeconds: maybe(random, 0.05),
    deadlineSeconds: maybe(random, 0.05),
    maxRetries: maybe(random, 1),
    waitSeconds: maybe(random, 0),
    idempotencyKey: random.chance(0.5) ? `key ${random.int(0, 20)}` : noise(random),
  };
  const kept = Object.entries(options).filter(() => random.chance(0.15));
  return {
    task: random.chance(0.9) ? `work ${noiseText(random)}` : noise(random),
    ...(random.chance(0.8) && { service: random.chance(0.9) ? random.pick(SERVICES) : noise(random) }),
    ...Object.fromEntries(kept),
  };
}

/** A good value most of the time. */
function maybe(random: Random, good: unknown): unknown {
  return random.chance(0.8) ? good : noise(random);
}

function plausibleParams(random: Random): Draft {
  return random.weighted<() => Draft>([
    [3, () => noiseObject(random)],
    [1, () => ({})],
    [2, () => ({ uri: random.chance(0.5) ? `gaffr://services/${noiseText(random)}` : noiseText(random) })],
    [1, () => ({ name: random.pick(['delegate', 'diagnose']), arguments: noiseObject(random) })],
    [1, () => ({ taskId: noiseText(random), inputResponses: noiseObject(random) })],
    [1, () => ({ level: random.pick(['debug', 'error', 'loud']) })],
    [1, () => ({ notifications: noise(random), ref: noise(random), argument: noise(random) })],
    [
      1,
      () => ({
        protocolVersion: random.pick(['2025-11-25', '2024-11-05', '2026-07-28', '1999-01-01']),
        capabilities: {},
        clientInfo: { name: 'fuzz', version: '1' },
      }),
    ],
  ])();
}

function anyId(random: Random, good: string | number): unknown {
  return random.chance(0.5) ? good : noise(random);
}
