import { type OrchestratorCommand, type OrchestratorNotice, orchestratorLogic } from 'gaffr/xstate';
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActor, assign, createActor, sendTo, setup } from 'xstate';
import { createOrchestrator, type Orchestrator } from '../../src/orchestrator.js';
import { drained, manualService } from '../support/simulation.js';

const actors: AnyActor[] = [];
afterEach(() => {
  for (const actor of actors.splice(0)) actor.stop();
});

/** Lets promises, and what waits for the next turn of the event loop, come. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await drained();
}

/** A machine that invokes an orchestrator, passes commands on, and keeps what it is told. */
function machineWith(orchestrator: Orchestrator | (() => Orchestrator), mostOpen?: number) {
  return setup({
    types: {
      context: {} as { readonly told: readonly OrchestratorNotice[] },
      events: {} as OrchestratorNotice | { readonly type: 'PASS'; readonly command: OrchestratorCommand },
    },
    actors: { gaffr: orchestratorLogic({ orchestrator, ...(mostOpen !== undefined && { mostOpen }) }) },
    actions: {
      keep: assign({ told: ({ context, event }) => [...context.told, event as OrchestratorNotice] }),
    },
  }).createMachine({
    context: { told: [] },
    initial: 'open',
    on: {
      PASS: { actions: sendTo('gaffr', ({ event }) => event.command) },
      TASK_SETTLED: { actions: 'keep' },
      TASK_PROGRESS: { actions: 'keep' },
      COMMAND_REFUSED: { actions: 'keep' },
    },
    states: {
      open: { invoke: { src: 'gaffr', id: 'gaffr', onDone: 'closed', onError: 'broken' } },
      closed: {},
      broken: {},
    },
  });
}

function start(orchestrator: Orchestrator | (() => Orchestrator), mostOpen?: number) {
  const actor = createActor(machineWith(orchestrator, mostOpen)).start();
  actors.push(actor);
  const view = () => actor.getSnapshot().children.gaffr?.getSnapshot().context;
  const told = () => actor.getSnapshot().context.told;
  const pass = (command: OrchestratorCommand): void => actor.send({ type: 'PASS', command });
  return { actor, view, told, pass };
}

const slowOrchestrator = () => {
  const slow = manualService();
  return { slow, orchestrator: createOrchestrator({ services: { slow } }) };
};

describe('orchestratorLogic()', () => {
  it('runs tasks for a machine, with progress, and shows what is open and what ended', async () => {
    const { slow, orchestrator } = slowOrchestrator();
    const { told, view, pass } = start(orchestrator);
    pass({ type: 'EXECUTE', id: 'a', task: 'read', options: { kwargs: { pages: 2 } } });
    pass({ type: 'EXECUTE', id: 'b', task: 'write' });
    await settled();
    expect(view()).toMatchObject({
      open: ['a', 'b'],
      ended: [],
      services: [{ name: 'slow', state: 'busy' }],
    });
    expect(view()?.stats).toMatchObject({ running: 2 });
    expect(slow.calls[0]?.context.kwargs).toEqual({ pages: 2 });
    slow.calls[0]?.context.progress(0.5, 'half');
    slow.calls[0]?.resolve({ text: 'done' });
    await settled();
    expect(told()).toMatchObject([
      { type: 'TASK_PROGRESS', id: 'a', progress: 0.5, message: 'half' },
      { type: 'TASK_SETTLED', id: 'a', result: { success: true, result: { text: 'done' } } },
    ]);
    expect(view()).toMatchObject({
      open: ['b'],
      ended: [{ id: 'a', status: 'completed', serviceName: 'slow', errorCode: null }],
    });
  });

  it('tells of an end only when its snapshot shows it', async () => {
    const orchestrator = createOrchestrator({ services: { echo: (task: string) => task } });
    const actor = createActor(orchestratorLogic({ orchestrator }));
    actors.push(actor);
    const seen: unknown[] = [];
    actor.on('TASK_SETTLED', ({ id, result }) => {
      seen.push([id, result.result, actor.getSnapshot().context.open]);
    });
    actor.start();
    actor.send({ type: 'EXECUTE', id: 'a', task: 'hi' });
    await settled();
    expect(seen).toEqual([['a', 'hi', []]]);
  });

  it('cancels one task by its id, and all when the machine stops', async () => {
    const { slow, orchestrator } = slowOrchestrator();
    const { actor, told, pass } = start(orchestrator);
    for (const id of ['a', 'b']) pass({ type: 'EXECUTE', id, task: id });
    await settled();
    pass({ type: 'CANCEL', id: 'a', reason: 'enough' });
    pass({ type: 'CANCEL', id: 'nobody' });
    await settled();
    expect(told()).toMatchObject([
      { id: 'a', result: { status: 'cancelled', error: expect.stringContaining('enough') } },
    ]);
    actor.stop();
    await settled();
    expect(slow.calls.map(({ context }) => context.signal.aborted)).toEqual([true, true]);
    // The orchestrator is another's, and goes on.
    const other = orchestrator.submit('x');
    await settled();
    expect(other.status()).toBe('running');
    await orchestrator.close({ drainSeconds: 0 });
  });

  it('pauses, resumes and resizes', async () => {
    const { slow, orchestrator } = slowOrchestrator();
    const { pass, view } = start(orchestrator);
    pass({ type: 'PAUSE' });
    pass({ type: 'EXECUTE', id: 'a', task: 'a' });
    await settled();
    expect(slow.calls).toEqual([]);
    expect(view()?.stats).toMatchObject({ isPaused: true, queued: 1 });
    pass({ type: 'SET_MAX_PARALLEL', maxParallel: 3 });
    pass({ type: 'RESUME' });
    await settled();
    expect(slow.calls).toHaveLength(1);
    expect(view()?.stats).toMatchObject({ maxParallel: 3, isPaused: false });
  });

  it('refuses commands that are not valid, and says why', async () => {
    const { orchestrator } = slowOrchestrator();
    const { told, pass, view } = start(orchestrator, 2);
    pass({ type: 'EXECUTE', id: 'a', task: 'a' });
    pass({ type: 'EXECUTE', id: 'a', task: 'again' });
    pass({ type: 'EXECUTE', id: '', task: 'x' });
    pass({ type: 'EXECUTE', id: 'b', task: 'x', options: { pages: 2 } as never });
    await settled();
    pass({ type: 'EXECUTE', id: 'c', task: 'x' });
    pass({ type: 'EXECUTE', id: 'd', task: 'x' });
    pass({ type: 'SET_MAX_PARALLEL', maxParallel: 0 });
    pass({ type: 'NONSENSE' } as never);
    pass({ type: 'CLOSE', drainSeconds: -1 });
    await settled();
    expect(told().map((each) => each.type === 'COMMAND_REFUSED' && [each.id, each.error])).toEqual([
      ['a', expect.stringContaining('"a" is still open')],
      ['', expect.stringContaining('needs an id')],
      ['b', expect.stringContaining('pages')],
      ['d', expect.stringContaining('2 of 2 tasks are open')],
      [null, expect.stringContaining('maxParallel')],
      [null, expect.stringContaining('drainSeconds')],
    ]);
    expect(view()?.open).toEqual(['a', 'c']);
  });

  it('closes an orchestrator of its own after what is under way, and is done', async () => {
    const slow = manualService();
    let made: Orchestrator | undefined;
    const { actor, told, pass } = start(() => {
      made = createOrchestrator({ services: { slow } });
      return made;
    });
    pass({ type: 'EXECUTE', id: 'a', task: 'a' });
    await settled();
    pass({ type: 'CLOSE', drainSeconds: 60 });
    pass({ type: 'EXECUTE', id: 'b', task: 'b' });
    slow.calls[0]?.resolve('done');
    await settled();
    expect(told()).toMatchObject([
      { type: 'COMMAND_REFUSED', id: 'b' },
      { type: 'TASK_SETTLED', id: 'a', result: { success: true } },
    ]);
    expect(actor.getSnapshot().value).toBe('closed');
    expect((await made?.execute('x'))?.errorCode).toBe('SHUTTING_DOWN');
  });

  it('leaves another’s orchestrator open when it closes, but not its own tasks', async () => {
    const { slow, orchestrator } = slowOrchestrator();
    const { actor, told, pass } = start(orchestrator);
    pass({ type: 'EXECUTE', id: 'a', task: 'a' });
    await settled();
    pass({ type: 'CLOSE' });
    await expect.poll(() => actor.getSnapshot().value).toBe('closed');
    expect(told()).toMatchObject([{ id: 'a', result: { status: 'cancelled' } }]);
    expect(slow.calls[0]?.context.signal.aborted).toBe(true);
    const other = orchestrator.submit('x');
    await settled();
    expect(other.status()).toBe('running');
    await orchestrator.close({ drainSeconds: 0 });
  });

  it('closes an orchestrator of its own when the machine stops', async () => {
    let made: Orchestrator | undefined;
    const { actor } = start(() => {
      made = createOrchestrator({ services: { echo: (task: string) => task } });
      return made;
    });
    actor.stop();
    await settled();
    expect((await made?.execute('x'))?.errorCode).toBe('SHUTTING_DOWN');
  });

  it('fails the actor when the orchestrator cannot be made, and writes down nothing of it', () => {
    const logic = orchestratorLogic({
      orchestrator: () => {
        throw new Error('secret-1234');
      },
    });
    const actor = createActor(logic);
    actor.subscribe({ error: () => {} });
    actor.start();
    expect(actor.getSnapshot().status).toBe('error');
    expect(JSON.stringify(actor.getPersistedSnapshot())).not.toContain('secret-1234');
  });

  it('persists no text, argument, result or error, and settles what was open as interrupted', async () => {
    const slow = manualService();
    const services = {
      slow,
      tell: () => 'secret-result',
      fail: () => {
        throw new Error('secret-error');
      },
    };
    const config = { taskConfig: { retryOnFailure: false } };
    const orchestrator = createOrchestrator({ services, config });
    const { actor, pass, told } = start(orchestrator);
    pass({ type: 'EXECUTE', id: 'told', task: 'secret-text', options: { service: 'tell' } });
    pass({ type: 'EXECUTE', id: 'failed', task: 'x', options: { service: 'fail' } });
    pass({
      type: 'EXECUTE',
      id: 'open',
      task: 'secret-task',
      options: { service: 'slow', kwargs: { key: 'secret-arg' } },
    });
    await settled();
    expect(told()).toHaveLength(2);
    const { children } = actor.getPersistedSnapshot() as unknown as {
      readonly children: Record<string, unknown>;
    };
    const written = JSON.stringify(children.gaffr);
    expect(written).not.toContain('secret');
    expect(written).toContain('"errorCode":"SERVICE_FAILED"');
    const whole = JSON.parse(JSON.stringify(actor.getPersistedSnapshot()));
    actor.stop();

    const later = createActor(machineWith(slowOrchestrator().orchestrator), { snapshot: whole });
    actors.push(later);
    later.start();
    await settled();
    const restored = later.getSnapshot().children.gaffr?.getSnapshot().context;
    expect(later.getSnapshot().context.told.slice(2)).toMatchObject([
      {
        type: 'TASK_SETTLED',
        id: 'open',
        result: { status: 'interrupted', errorCode: 'INTERRUPTED', success: false },
      },
    ]);
    expect(restored?.open).toEqual([]);
    expect(restored?.ended.map(({ id, status }) => [id, status])).toEqual([
      ['told', 'completed'],
      ['failed', 'failed'],
      ['open', 'interrupted'],
    ]);
    later.send({ type: 'PASS', command: { type: 'EXECUTE', id: 'open', task: 'again' } });
    await settled();
    expect(later.getSnapshot().children.gaffr?.getSnapshot().context.open).toEqual(['open']);
  });

  it('remembers the last 50 that ended', async () => {
    const orchestrator = createOrchestrator({ services: { echo: (task: string) => task } });
    const { pass, view } = start(orchestrator);
    for (let index = 0; index < 60; index += 1) pass({ type: 'EXECUTE', id: `${index}`, task: 'x' });
    await settled();
    expect(view()?.open).toEqual([]);
    expect(view()?.ended).toHaveLength(50);
    expect(view()?.ended.at(-1)?.id).toBe('59');
  });

  it('is made with a sound limit', () => {
    const orchestrator = createOrchestrator();
    expect(() => orchestratorLogic({ orchestrator, mostOpen: 0 })).toThrow(/mostOpen.*got 0/);
  });
});
