import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, createActor, setup } from 'xstate';
import { ExecutionConfig, type RuntimeEvent, type TaskHandle } from '../../src/index.js';
import { fastLane } from '../../src/machines/fast-lane.js';
import { drained, manualService, simulated } from '../support/simulation.js';

const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('submit' as const), service: fc.constantFrom('a', 'b') }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('answer' as const), at: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('fail' as const), at: fc.nat(9), final: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), at: fc.nat(30) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(1, 100, 5_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('resize' as const), to: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const, 'clear' as const) }),
  },
);

type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** Everything that can be seen from outside after each command: states of all actors, counts, facts, results. */
async function play(commands: readonly Command[], lane: boolean): Promise<unknown[]> {
  const services = { a: manualService(), b: manualService() };
  const { orchestrator, advance } = simulated({
    services: { a: { service: services.a, concurrency: 2 }, b: { service: services.b, concurrency: 1 } },
    config: ExecutionConfig.create({ maxParallel: 2, circuitFailures: 3, timeoutSeconds: 4 }),
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    fastLane: lane,
  });
  const seen: unknown[] = [];
  const facts: RuntimeEvent[] = [];
  const handles: TaskHandle[] = [];
  orchestrator.on('event', (event) => facts.push(event));
  const openCalls = () => [...services.a.open(), ...services.b.open()];
  for (const each of commands) {
    const call = 'at' in each ? openCalls()[each.at] : undefined;
    if (each.kind === 'submit') handles.push(orchestrator.submit('task', { service: each.service }));
    else if (each.kind === 'answer') call?.resolve('ok');
    else if (each.kind === 'fail')
      call?.reject({ code: 'SERVICE_FAILED', message: 'no', retryable: !each.final });
    else if (each.kind === 'cancel') handles[each.at]?.cancel();
    else if (each.kind === 'advance') await advance(each.ms);
    else if (each.kind === 'resize') orchestrator.setMaxParallel(each.to);
    else orchestrator[each.kind]();
    await drained();
    const { value, children } = orchestrator.actor.getSnapshot();
    const instances = Object.entries(children).map(([id, actor]) => [id, actor?.getSnapshot().value]);
    seen.push({
      value,
      instances,
      stats: orchestrator.stats(),
      services: orchestrator.listServices().map(withoutClock),
    });
  }
  await orchestrator.close({ drainSeconds: 0 });
  return [seen, facts, await Promise.all(handles.map((handle) => handle.result()))];
}

const withoutClock = ({ retryAt: _, ...status }: { retryAt: string | null }) => status;

describe('fastLane()', () => {
  it('gives the same states, facts, counts and results as the interpreter, whatever happens', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 40 }), async (commands) => {
        expect(await play(commands, true)).toEqual(await play(commands, false));
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it('takes events that keep the state, and leaves all others to the interpreter', () => {
    const interpreted: string[] = [];
    const noted: string[] = [];
    const machine = setup({
      types: { context: {} as { count: number }, events: {} as { type: string } },
      actions: {
        note: ({ event }) => {
          noted.push(event.type);
        },
        count: assign({ count: ({ context }) => context.count + 1 }),
      },
      guards: { never: () => false },
    }).createMachine({
      context: { count: 0 },
      initial: 'on',
      on: { OUTER: { actions: 'note' } },
      states: {
        on: {
          on: {
            STAY: { actions: 'note' },
            COUNT: { actions: 'count' },
            GUARDED: { guard: 'never', actions: 'note' },
            GO: { target: 'off', actions: 'note' },
          },
        },
        off: {},
      },
    });
    const watched = Object.create(machine, {
      transition: {
        value: (...args: Parameters<typeof machine.transition>) => {
          interpreted.push(args[1].type);
          return machine.transition(...args);
        },
      },
    }) as typeof machine;
    const actor = createActor(fastLane(watched)).start();
    for (const type of ['STAY', 'OUTER', 'COUNT', 'GUARDED', 'UNKNOWN', 'GO', 'STAY']) actor.send({ type });
    expect(noted).toEqual(['STAY', 'OUTER', 'GO']);
    expect(interpreted).toEqual(['COUNT', 'GUARDED', 'UNKNOWN', 'GO', 'STAY']);
    expect(actor.getSnapshot()).toMatchObject({ value: 'off', context: { count: 1 } });
  });
});
