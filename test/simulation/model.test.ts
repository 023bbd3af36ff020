import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ExecutionConfig, type Orchestrator, type TaskHandle } from '../../src/index.js';
import {
  drained,
  type ManualCall,
  type ManualService,
  manualService,
  simulated,
} from '../support/simulation.js';
import { QueueModel } from './queue-model.js';

/** The orchestrator beside its model. */
interface Real {
  readonly orchestrator: Orchestrator;
  readonly service: ManualService;
  readonly handles: Map<string, TaskHandle>;
}

type Command = fc.AsyncCommand<QueueModel, Real>;

/** A command does the same to both and then compares everything that can be seen. */
function command(
  name: string,
  act: (model: QueueModel, real: Real) => void,
  check: (model: QueueModel) => boolean = () => true,
): Command {
  return {
    check,
    run: async (model, real) => {
      act(model, real);
      model.dispatch();
      await drained();
      await compare(model, real);
    },
    toString: () => name,
  };
}

async function compare(model: QueueModel, { orchestrator, service, handles }: Real): Promise<void> {
  const names = (calls: readonly ManualCall[]): string[] => calls.map(({ task }) => task).sort();
  const open = service.open();
  const isGivenUp = ({ context }: ManualCall): boolean => context.signal.aborted;
  expect(names(open.filter((call) => !isGivenUp(call)))).toEqual(
    model.running.map(({ name }) => name).sort(),
  );
  expect(names(open.filter(isGivenUp))).toEqual(model.held.map(({ name }) => name).sort());
  const waiting = orchestrator.waitingTasks().map(({ taskId }) => taskId);
  expect(waiting).toEqual(model.waiting.map(({ name }) => handles.get(name)?.taskId));
  expect(orchestrator.stats()).toMatchObject({
    running: model.running.length,
    queued: model.waiting.length,
    abandoned: model.held.length,
    submitted: model.submitted,
    cancelled: [...model.results.values()].filter((status) => status === 'cancelled').length,
    isPaused: model.isPaused,
  });
  const statuses = [...handles].map(([name, handle]) => `${name} ${handle.status()}`);
  expect(statuses).toEqual([...handles.keys()].map((name) => `${name} ${model.statusOf(name)}`));
  // A service that started in another order than the model would have taken other tasks by now.
  expect(service.calls.map(({ task }) => task)).toHaveLength(
    new Set(service.calls.map(({ task }) => task)).size,
  );
}

function submit(priority: number): Command {
  return command(`submit(priority ${priority})`, (model, { orchestrator, handles }) => {
    const { name } = model.submit(priority);
    handles.set(name, orchestrator.submit(name, { priority }));
  });
}

function submitMany(count: number): Command {
  return command(`submit(${count} tasks)`, (model, { orchestrator, handles }) => {
    for (let index = 0; index < count; index += 1) {
      const { name } = model.submit(0);
      handles.set(name, orchestrator.submit(name));
    }
  });
}

function cancel(pick: number): Command {
  return command(
    `cancel(${pick})`,
    (model, { handles }) => {
      const task = model.open(pick);
      if (task === undefined) return;
      model.cancel(task);
      handles.get(task.name)?.cancel();
    },
    (model) => model.open(pick) !== undefined,
  );
}

/** Ends the code of a running or of a given up attempt. */
function end(pick: number, how: 'answers' | 'refuses' | 'ends late'): Command {
  const isLate = how === 'ends late';
  return command(
    `${how}(${pick})`,
    (model, { service }) => {
      const from = isLate ? model.held : model.running;
      const task = from[pick % from.length];
      const call = service.open().find((each) => each.task === task?.name);
      if (task === undefined) return;
      if (isLate) model.held = model.held.filter((other) => other !== task);
      else model.end(task, how === 'answers' ? 'completed' : 'failed');
      if (how === 'refuses') call?.reject({ code: 'NEEDS_INPUT', message: 'Name a file.' });
      else call?.resolve();
    },
    (model) => (isLate ? model.held : model.running).length > 0,
  );
}

function reprioritise(pick: number, priority: number): Command {
  return command(
    `setPriority(${pick}, ${priority})`,
    (model, { orchestrator, handles }) => {
      const task = model.waiting[pick % model.waiting.length];
      if (task === undefined) return;
      model.reprioritise(task, priority);
      orchestrator.setPriority(handles.get(task.name)?.taskId ?? '', priority);
    },
    (model) => model.waiting.length > 0,
  );
}

const pick = fc.nat(20);
const priority = fc.integer({ min: -1, max: 2 });
const commands = fc.commands(
  [
    priority.map(submit),
    fc.integer({ min: 2, max: 4 }).map(submitMany),
    pick.map(cancel),
    fc
      .tuple(
        pick,
        fc.constantFrom('answers' as const, 'answers' as const, 'refuses' as const, 'ends late' as const),
      )
      .map(([which, how]) => end(which, how)),
    fc.tuple(pick, priority).map(([which, to]) => reprioritise(which, to)),
    fc.integer({ min: 1, max: 5 }).map((maxParallel) =>
      command(`setMaxParallel(${maxParallel})`, (model, { orchestrator }) => {
        model.maxParallel = maxParallel;
        orchestrator.setMaxParallel(maxParallel);
      }),
    ),
    fc.constantFrom('pause' as const, 'resume' as const).map((what) =>
      command(`${what}()`, (model, { orchestrator }) => {
        model.isPaused = what === 'pause';
        orchestrator[what]();
      }),
    ),
    fc.constant(
      command('clear()', (model, { orchestrator }) => {
        model.clear();
        orchestrator.clear();
      }),
    ),
  ],
  { maxCommands: 60, size: 'max' },
);

function setup(): { model: QueueModel; real: Real } {
  const service = manualService();
  const { orchestrator } = simulated({
    services: { only: { service, concurrency: 3 } },
    config: ExecutionConfig.create({ maxParallel: 2, maxRetries: 0, fallbackService: null }),
  });
  return { model: new QueueModel(3, 2), real: { orchestrator, service, handles: new Map() } };
}

it('agrees with a small model of the queue, whatever is asked of it', async () => {
  await fc.assert(
    fc.asyncProperty(commands, (all) => fc.asyncModelRun(setup, all)),
    { numRuns: Number(process.env.MODEL_RUNS ?? 300) },
  );
}, 120_000);
