// Checked by the compiler (`npm run types`), not run: the types of the library as its users meet them.
import {
  CapabilityStrategy,
  CompositeStrategy,
  createOrchestrator,
  type Engine,
  type EngineLimits,
  type EngineRoute,
  type EngineRuntime,
  type EngineTask,
  type ErrorCode,
  ExecutionConfig,
  FunctionStrategy,
  KeywordStrategy,
  type LimitChange,
  mcpService,
  moduleService,
  type Orchestrator,
  OrchestratorError,
  type Route,
  type RoutingStrategy,
  type RuntimeEvent,
  type Service,
  type ServiceContext,
  subprocessService,
  type TaskConfig,
  type TaskHandle,
  type TaskKeeper,
  type TaskResult,
  type TaskStatus,
} from 'gaffr';
import { expectTypeOf } from 'vitest';

// Services: functions, objects, and settings around either; what they get is typed where they stand.
const orchestrator = createOrchestrator({
  services: {
    plain: (task) => task.toUpperCase(),
    full: {
      description: 'All settings',
      keywords: ['word', { text: 'two words', weight: 2 }],
      concurrency: 2,
      rateLimit: { limit: 5, intervalSeconds: 1 },
      async execute(task, context) {
        expectTypeOf(task).toEqualTypeOf<string>();
        expectTypeOf(context).toEqualTypeOf<ServiceContext>();
        expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
        expectTypeOf(context.deadline).toEqualTypeOf<number | null>();
        context.progress(0.5, 'half');
        return { pages: context.kwargs.pages };
      },
    },
    around: { service: () => 'done', concurrency: 1, idempotent: true },
    async *stream(task: string) {
      yield task;
    },
  },
});
expectTypeOf(orchestrator).toEqualTypeOf<Orchestrator>();
createOrchestrator({ services: new Map([['plain', (task: string) => task]]) });
createOrchestrator();
// @ts-expect-error an object without execute is no service
createOrchestrator({ services: { broken: { description: 'does nothing' } } });
// @ts-expect-error text is no service
createOrchestrator({ services: { broken: 'text' } });
// @ts-expect-error a setting that there is not
createOrchestrator({ services: { broken: { execute: () => 1, concurency: 2 } } });
// @ts-expect-error an option that there is not
createOrchestrator({ maxParallel: 5 });
expectTypeOf<{ execute(task: string): string }>().toExtend<Service>();

// Configuration: every field has a default, and a wrong one is told.
expectTypeOf(ExecutionConfig.create()).toEqualTypeOf<ExecutionConfig>();
expectTypeOf(
  ExecutionConfig.create({ maxParallel: 5, fallbackService: null }).taskConfig,
).toExtend<TaskConfig>();
expectTypeOf<TaskConfig['timeoutSeconds']>().toEqualTypeOf<number>();
// @ts-expect-error a number as text
ExecutionConfig.create({ maxParallel: '5' });

// Results: the status is a union that a switch can end, the result is unknown until the caller says what it is.
const result = await orchestrator.execute('read', { kwargs: { pages: [1] }, priority: 1, maxRetries: 0 });
expectTypeOf(result).toEqualTypeOf<TaskResult>();
expectTypeOf(result.result).toEqualTypeOf<unknown>();
expectTypeOf(result.status).toEqualTypeOf<TaskStatus>();
expectTypeOf<TaskStatus>().toEqualTypeOf<
  'completed' | 'failed' | 'timed_out' | 'cancelled' | 'rejected' | 'interrupted'
>();
expectTypeOf(result.errorCode).toEqualTypeOf<ErrorCode | null>();
expectTypeOf(result.error).toEqualTypeOf<string | null>();
expectTypeOf(result.route).toEqualTypeOf<Route | null>();
expectTypeOf(result.executionTime).toEqualTypeOf<number>();
expectTypeOf<TaskResult<{ text: string }>['result']>().toEqualTypeOf<{ text: string } | null>();
// @ts-expect-error results are not written to
result.success = true;
// @ts-expect-error an option that there is not
orchestrator.execute('read', { timeout: 5 });
// @ts-expect-error a task is text
orchestrator.execute(5);

expectTypeOf(orchestrator.executeParallel(['one', { task: 'two', service: 'plain' }])).resolves.toExtend<
  readonly TaskResult[]
>();
expectTypeOf(
  orchestrator.executeSubtasks([
    { id: 'a', task: 'one' },
    { task: 'two', dependsOn: ['a'] },
  ]),
).resolves.toExtend<readonly TaskResult[]>();
// Constants are taken as they are.
const STEPS = [
  { id: 'a', task: 'one' },
  { task: 'two', dependsOn: ['a'] },
] as const;
orchestrator.executeSubtasks(STEPS);
const ARGS: readonly string[] = ['-n'];
subprocessService({ command: 'sort', args: ARGS, inheritEnv: ['PATH'] as const });
moduleService({ module: './own.js', inheritEnv: ARGS });
const TRANSPORT = { kind: 'stdio', command: 'server', args: ['--quiet'] } as const;
mcpService({ name: 'down', transport: TRANSPORT, tools: { allow: ARGS } });
for await (const each of orchestrator.stream(['one'])) expectTypeOf(each).toExtend<TaskResult>();
expectTypeOf(orchestrator.submit('one')).toEqualTypeOf<TaskHandle>();
expectTypeOf(orchestrator.explain('one')).resolves.toEqualTypeOf<Route>();

// Error codes: a closed union, so that a misspelt one is found.
expectTypeOf<'QUEUE_FULL'>().toExtend<ErrorCode>();
expectTypeOf<'CIRCUIT_OPEN'>().not.toExtend<ErrorCode>();
expectTypeOf<string>().not.toExtend<ErrorCode>();
expectTypeOf(new OrchestratorError('NOT_FOUND', 'no such file').code).toEqualTypeOf<ErrorCode>();
expectTypeOf<OrchestratorError>().toExtend<Error>();
// @ts-expect-error a code that there is not
new OrchestratorError('NO_SUCH_CODE', 'text');

// Strategies: an object with route(), a function, at once or later; tuples or candidates.
const mine: RoutingStrategy = {
  route: (task, availableServices, { confidenceThreshold, profiles, signal }) => {
    expectTypeOf(task).toEqualTypeOf<string>();
    expectTypeOf(availableServices).toEqualTypeOf<readonly string[]>();
    expectTypeOf(confidenceThreshold).toEqualTypeOf<number | undefined>();
    expectTypeOf(profiles.get('plain')?.keywords?.length).toEqualTypeOf<number | undefined>();
    return signal.aborted ? [] : [['plain', 0.9]];
  },
};
const strategies = [new KeywordStrategy(), new CapabilityStrategy(), new FunctionStrategy(() => []), mine];
for (const strategy of strategies) createOrchestrator({ strategy });
createOrchestrator({ strategy: new CompositeStrategy(strategies) });
createOrchestrator({ strategy: async () => [{ service: 'plain', confidence: 1 }] });
// @ts-expect-error a confidence is a number
createOrchestrator({ strategy: () => [['plain', 'high']] });
// @ts-expect-error an object without route is no strategy
createOrchestrator({ strategy: { name: 'nothing' } });

// An engine of one's own: every type of the port has a public name.
class Keeper implements TaskKeeper {
  runtime: EngineRuntime | null = null;
  limits: EngineLimits | null = null;

  start(runtime: EngineRuntime): void {
    this.runtime = runtime;
    this.limits = runtime.limits();
  }

  async accept(task: EngineTask): Promise<void> {
    const route: EngineRoute | undefined = await this.runtime?.route(task);
    if (route !== undefined && 'error' in route) this.runtime?.refuse(task, route.error);
    else this.runtime?.run([task]);
  }

  attempt(_task: EngineTask, _service: string, begin: () => void): void {
    begin();
  }

  rest(): void {}

  keepable(value: unknown): { readonly value: unknown } {
    return { value };
  }

  settle(task: EngineTask, result: TaskResult): void {
    this.runtime?.answer(task, result);
  }

  commit(): void {}

  async told(): Promise<void> {}

  resize(change: LimitChange): void {
    if (this.limits !== null && 'maxParallel' in change) this.limits = { ...this.limits, ...change };
  }
}
const keeper = new Keeper();
const engine: Engine = {
  kind: 'mine',
  capabilities: {
    durable: false,
    distributed: false,
    delivery: 'at-most-once',
    keepsTasks: false,
    priorities: true,
    pausing: true,
    progress: true,
  },
  keeper,
  archive: null,
  shelf: () => null,
  start: (runtime) => keeper.start(runtime),
  close: async () => {},
};
createOrchestrator({ engine });

// Events: each name has the values of its listener.
orchestrator.on('accepted', (task) => {
  expectTypeOf(task.service).toEqualTypeOf<string | null>();
});
orchestrator.on('add', (taskId) => expectTypeOf(taskId).toEqualTypeOf<string>());
orchestrator.on('completed', (each) => expectTypeOf(each).toEqualTypeOf<TaskResult>());
orchestrator.on('idle', (...values) => expectTypeOf(values).toEqualTypeOf<[]>());
orchestrator.on('event', (event) => {
  expectTypeOf(event).toEqualTypeOf<RuntimeEvent>();
  if (event.type === 'started') expectTypeOf(event.attempt).toEqualTypeOf<number>();
  if (event.type === 'settled') expectTypeOf(event.result).toEqualTypeOf<TaskResult>();
});
// @ts-expect-error an event that there is not
orchestrator.on('done', () => {});

// The end: awaited by hand or by `await using`.
expectTypeOf(orchestrator.close({ drainSeconds: 1 })).resolves.toEqualTypeOf<void>();
expectTypeOf<Orchestrator>().toExtend<AsyncDisposable>();
