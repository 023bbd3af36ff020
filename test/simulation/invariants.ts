import type { Crew } from '../../src/actors/crew.js';
import { ServiceInstance } from '../../src/actors/service-instance.js';
import type { OrchestratorStats } from '../../src/core/orchestrator-port.js';
import { type Client, isOpen } from './client.js';
import type { World } from './world.js';

/**
 * What must hold whenever the runtime has come to rest, judged from inside: the runtime's figures against what really
 * runs, and against what its clients saw. Each function belongs to one invariant.
 */

/** What the checks remember from one step to the next. */
export interface Memory {
  /** Attempts that may go on above a lowered limit. */
  running: number;
  readonly occupied: Map<object, number>;
}

export function newMemory(): Memory {
  return { running: 0, occupied: new Map() };
}

/** Everything that must hold after a step; adds what is broken to `world.broken`. */
export function checkStep(world: World, memory: Memory): void {
  const { supervisor } = world;
  const { status } = supervisor.actor.getSnapshot();
  if (status !== 'active' && world.closesAtMs === null) {
    world.break('C14', `the supervisor is ${status} although nobody closed it`);
    return;
  }
  const stats = world.orchestrator.stats();
  checkSums(world, stats);
  checkAnswers(world);
  checkWaiters(world, stats);
  if (status !== 'active') return;
  checkConcurrency(world, memory);
  checkRunning(world, stats, memory);
  checkWork(world, stats);
  checkTimes(world);
  checkInstances(world);
  checkTimers(world, stats);
}

/** I3: every task is counted exactly once. */
function checkSums(world: World, stats: OrchestratorStats): void {
  const { submitted, completed, failed, timedOut, cancelled, rejected, queued, running, retrying } = stats;
  const sum = completed + failed + timedOut + cancelled + rejected + queued + running + retrying;
  if (submitted !== sum)
    world.break('I3', `${submitted} submitted, ${sum} counted: ${JSON.stringify(stats)}`);
  // Observers leave with the orchestrator.
  if (world.isClosed) return;
  if (submitted !== world.recorder.submitted) {
    world.break('I3', `${submitted} submitted, observers were told of ${world.recorder.submitted}`);
  }
  const open = queued + running + retrying;
  if (open !== world.recorder.submitted - world.recorder.settled) {
    world.break(
      'I4',
      `${open} tasks open, observers were told of ${world.recorder.submitted - world.recorder.settled}`,
    );
  }
}

/** I4, I8: nobody is answered twice, and a cancelled task is answered before time moves on. */
function checkAnswers(world: World): void {
  for (const client of world.clients.all) {
    if (client.settlements > 1)
      world.break('I4', `"${client.text}" was answered ${client.settlements} times`);
    if (client.cancel === 'none') continue;
    if (isOpen(client.handle)) world.break('I8', `"${client.text}" was cancelled and has no result`);
    else if (client.cancel === 'strict' && client.result?.status !== 'cancelled') {
      world.break('I8', `"${client.text}" was cancelled and is "${client.result?.status}"`);
    }
    client.cancel = 'none';
  }
}

/** A promise of the queue resolves as soon as it is true. */
function checkWaiters(world: World, { queued, running, retrying }: OrchestratorStats): void {
  if (world.waiters.length === 0) return;
  for (const { size, isResolved } of world.waiters) {
    const holds = size === null ? queued + running + retrying === 0 : queued < size;
    if (holds && !isResolved) world.break('wait', `a waiter for ${size ?? 'idle'} does not resolve`);
  }
}

/** I1: the runtime's figures are what really runs, and never above the limit. */
function checkRunning(world: World, { running, abandoned }: OrchestratorStats, memory: Memory): void {
  const all = world.running();
  const really = all.filter(({ context }) => !context.signal.aborted).length;
  if (really !== running) world.break('I1', `${really} attempts run, the runtime counts ${running}`);
  if (all.length - really !== abandoned) {
    world.break('I2', `${all.length - really} abandoned attempts run, the runtime counts ${abandoned}`);
  }
  // A lowered limit stops nothing.
  const most = Math.max(world.recentMaxParallel, memory.running);
  if (really > most) world.break('I1', `${really} attempts run; maxParallel is ${world.maxParallel}`);
  memory.running = really;
  world.recentMaxParallel = world.maxParallel;
}

/** I2: a service never has more attempts and backoffs than its concurrency. */
function checkConcurrency(world: World, memory: Memory): void {
  for (const service of world.services) {
    const isCurrent = world.current.get(service.plan.name) === service;
    const crew = isCurrent ? crewOf(world, service.plan.name) : undefined;
    const occupied = service.running.size + (crew ? retryingOf(crew) : 0);
    const limit = service.concurrency ?? world.maxParallel;
    const recent = service.concurrency === null ? world.recentMaxParallel : service.recentConcurrency;
    const most = Math.max(recent, memory.occupied.get(service) ?? 0);
    if (occupied > most) {
      world.break('I2', `${occupied} instances of "${service.plan.name}" work; its concurrency is ${limit}`);
    }
    // What backs off on a service that is gone is not told: its highest figure stands.
    memory.occupied.set(
      service,
      isCurrent ? occupied : Math.max(occupied, memory.occupied.get(service) ?? 0),
    );
    service.recentConcurrency = service.concurrency ?? 0;
  }
}

/** I7: no parallel slot and no instance is free while a task could start. */
function checkWork(world: World, { running, retrying }: OrchestratorStats): void {
  const isLimited = world.orchestrator.isRateLimited;
  const waiting = world.supervisor.crews.reduce((sum, { mailbox }) => sum + mailbox.size, 0);
  if (world.orchestrator.isSaturated !== (waiting > 0 && !world.isPaused)) {
    world.break('I7', `isSaturated is ${world.orchestrator.isSaturated} while ${waiting} tasks wait`);
  }
  if (world.orchestrator.runningTasks().length !== running)
    world.break('I3', 'runningTasks() tells another number');
  if (isLimited && waiting + retrying === 0) world.break('rate', 'rate limited although nothing waits');
  if (world.isPaused || running >= world.maxParallel || (isLimited && world.plan.setup.rate !== null)) return;
  const nowMs = world.clock.now();
  for (const [taskId, dueMs] of world.recorder.backoffs) {
    if (dueMs <= nowMs && !isLimited)
      world.break('I7', `the backoff of "${taskId}" ended at ${dueMs}, a slot is free at ${nowMs}`);
  }
  for (const crew of world.supervisor.crews) {
    const service = world.current.get(crew.name);
    if (service === undefined || crew.mailbox.size === 0) continue;
    const occupied = service.running.size + retryingOf(crew);
    const { circuit } = crew;
    const lets = circuit.state === 'closed' || (circuit.state === 'open' && circuit.allows(nowMs));
    if (lets && crew.isWithinRate && occupied < (service.concurrency ?? world.maxParallel)) {
      const free = `${running} of ${world.maxParallel} slots and ${occupied} instances are taken`;
      world.break('I7', `${crew.mailbox.size} tasks wait for "${crew.name}" while ${free}`);
    }
  }
}

/** How long after an attempt was given up the runtime looks whether such attempts hold a whole service. */
const HELD_GRACE_MS = 1000;

/** I13: no timer waits while nothing runs, waits or is probed. */
function checkTimers(world: World, { queued, running, retrying, abandoned }: OrchestratorStats): void {
  if (queued + running + retrying + abandoned > 0 || world.closesAtMs !== null || !world.routesAtOnce) return;
  if (world.clock.now() <= world.recorder.lastAbandonedMs + HELD_GRACE_MS) return;
  if (world.supervisor.crews.some(({ circuit }) => circuit.state !== 'closed')) return;
  if (world.clock.runtimeTimers > 0)
    world.break('I13', `${world.clock.runtimeTimers} timers wait for nothing`);
}

/** I9: nobody waits or runs past a limit, and nobody is timed out before it. */
function checkTimes(world: World): void {
  const nowMs = world.clock.now();
  const { taskConfig } = world.orchestrator.config;
  for (const attempt of world.running()) {
    const client = world.clients.clientOf(attempt.task);
    if (client === undefined || client.plan.key !== null || attempt.context.signal.aborted) continue;
    const timeoutMs = client.plan.timeoutMs ?? taskConfig.timeoutSeconds * 1000;
    if (nowMs >= attempt.startedAtMs + timeoutMs) {
      world.break(
        'I9',
        `attempt ${attempt.context.attempt} of "${attempt.task}" runs since ${attempt.startedAtMs}`,
      );
    }
  }
  for (const client of world.clients.all) {
    if (client.handle === null || client.plan.key !== null) continue;
    const { deadlineMs, queueTimeoutMs } = limitsOf(client, taskConfig);
    const waitedMs = nowMs - client.submittedAtMs;
    if (isOpen(client.handle)) {
      if (waitedMs >= deadlineMs)
        world.break('I9', `"${client.text}" is open ${waitedMs} ms after its submission`);
      const isWaiting =
        client.handle.status() === 'queued' && !world.recorder.started.has(client.handle.taskId);
      if (isWaiting && waitedMs >= queueTimeoutMs) {
        world.break(
          'I9',
          `"${client.text}" waits for ${waitedMs} ms; its queue timeout is ${queueTimeoutMs}`,
        );
      }
    } else if (
      client.result?.errorCode === 'QUEUE_TIMEOUT' &&
      client.result.queueTime * 1000 < queueTimeoutMs
    ) {
      world.break('Q10', `"${client.text}" left the queue after ${client.result.queueTime} s`);
    }
  }
}

function limitsOf(
  { plan }: Client,
  config: {
    readonly deadlineSeconds?: number | undefined;
    readonly queueTimeoutSeconds?: number | undefined;
  },
): { readonly deadlineMs: number; readonly queueTimeoutMs: number } {
  const never = Number.POSITIVE_INFINITY;
  return {
    deadlineMs: plan.deadlineMs ?? (config.deadlineSeconds ?? never) * 1000,
    queueTimeoutMs: plan.queueTimeoutMs ?? (config.queueTimeoutSeconds ?? never) * 1000,
  };
}

/** I11: every instance is in one of four states, and its task is the one in the books. */
function checkInstances(world: World): void {
  const { children } = world.supervisor.actor.getSnapshot();
  for (const [id, child] of Object.entries(children as Record<string, ChildRef>)) {
    const { value, status, context } = child.getSnapshot();
    const { instance } = context;
    if (status !== 'active' || !(instance instanceof ServiceInstance)) {
      world.break('I11', `instance ${id} is ${status}`);
      continue;
    }
    const { task } = instance;
    const says = `instance ${id} is "${value}"`;
    if (task !== null && task.instance !== instance)
      world.break('I11', `${says}; its task "${task.id}" is elsewhere`);
    const expected = task !== null ? task.state : instance.isHeld ? 'busy' : null;
    if (value === 'busy' || value === 'retrying') {
      if (expected !== value) world.break('I11', `${says}; its task is "${expected}"`);
    } else if (value !== 'idle' && value !== 'failed') world.break('I11', `${says}, which is no state`);
    else if (expected !== null) world.break('I11', `${says} and has a task in state "${expected}"`);
  }
  for (const crew of world.supervisor.crews) checkCrew(world, crew, children as Record<string, ChildRef>);
}

interface ChildRef {
  getSnapshot(): {
    readonly value: unknown;
    readonly status: string;
    readonly context: { readonly instance: unknown };
  };
}

function checkCrew(world: World, crew: Crew, children: Readonly<Record<string, ChildRef>>): void {
  const { name, circuit } = crew;
  const isDown = circuit.state !== 'closed';
  let atWork = 0;
  for (const { id, actor } of crew.instances) {
    const value = actor?.getSnapshot().value;
    if (!(id in children)) world.break('I11', `instance ${id} is no child of the supervisor`);
    if (value === 'busy' || value === 'retrying') atWork += 1;
    else if ((value === 'failed') !== isDown) {
      world.break('I11', `instance ${id} is "${value}" while the circuit is ${circuit.state}`);
    }
  }
  if (atWork !== crew.working)
    world.break('I11', `${atWork} instances of "${name}" work, ${crew.working} are counted`);
  if (new Set(crew.free).size !== crew.free.length)
    world.break('I2', `an instance of "${name}" is free twice`);
  if (circuit.state === 'half_open' && !hasProbe(world, crew)) {
    world.break('I12', `the circuit of "${name}" is half open and no probe is out`);
  }
}

function hasProbe(world: World, crew: Crew): boolean {
  const attempts = [...(world.current.get(crew.name)?.running ?? [])];
  return attempts.some(
    ({ probeEpoch, context }) => probeEpoch === crew.circuit.epoch && !context.signal.aborted,
  );
}

function crewOf(world: World, name: string): Crew | undefined {
  return world.supervisor.crews.find((crew) => crew.name === name);
}

function retryingOf({ instances }: Crew): number {
  return instances.filter(({ actor }) => actor?.getSnapshot().value === 'retrying').length;
}
