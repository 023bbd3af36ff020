import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import { parseTraceparent } from '../../src/core/tracing.js';
import type { ServiceContext, Tracing } from '../../src/index.js';
import { openTelemetryTracing } from '../../src/inspect/tracing.js';
import { createMcpServer } from '../../src/mcp/create-mcp-server.js';
import { drained, manualService, simulated } from '../support/simulation.js';

const TRACE = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const PARENT = 'bbbbbbbbbbbbbbbb';
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

// The real SDK, as an application sets it up.
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => {
  context.disable();
  propagation.disable();
});

function recording(options: { readonly recordTexts?: boolean } = {}) {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer('test');
  const named = (name: string): ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => span.name === name);
  return {
    tracer,
    tracing: openTelemetryTracing({ tracer, ...options }),
    named,
    all: () => exporter.getFinishedSpans(),
  };
}

const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId;
const endMs = ({ startTime, endTime }: ReadableSpan): number =>
  (endTime[0] - startTime[0]) * 1000 + (endTime[1] - startTime[1]) / 1e6;

describe('openTelemetryTracing()', () => {
  it('makes a span of the task and one of each attempt, with route, outcome and retries', async () => {
    const { tracing, named } = recording();
    const flaky = manualService();
    const { orchestrator, advance } = simulated({
      services: { flaky: { service: flaky, keywords: ['paint'] } },
      tracing,
    });
    const result = orchestrator.execute('paint the SECRET door', { priority: 3 });
    await drained();
    flaky.calls[0]?.reject({ message: 'SECRET again', retryable: true });
    await advance(10_000);
    await advance(40);
    flaky.calls[1]?.resolve('SECRET');
    await result;
    const [task] = named('gaffr.task');
    const attempts = named('gaffr.attempt');
    expect(attempts.map(({ attributes }) => attributes)).toEqual([
      {
        'gaffr.task.id': 't1',
        'gaffr.service': 'flaky',
        'gaffr.instance': 'flaky#0',
        'gaffr.attempt': 1,
        'gaffr.attempt.outcome': 'failed',
        'error.type': 'SERVICE_FAILED',
      },
      {
        'gaffr.task.id': 't1',
        'gaffr.service': 'flaky',
        'gaffr.instance': 'flaky#0',
        'gaffr.attempt': 2,
        'gaffr.attempt.outcome': 'completed',
      },
    ]);
    expect(attempts.map(({ status }) => status.code)).toEqual([SpanStatusCode.ERROR, SpanStatusCode.OK]);
    expect(attempts.map((span) => span.parentSpanContext?.spanId)).toEqual([idOf(task), idOf(task)]);
    expect(task?.status).toEqual({ code: SpanStatusCode.OK });
    expect(task?.attributes).toMatchObject({
      'gaffr.task.status': 'completed',
      'gaffr.task.priority': 3,
      'gaffr.task.attempts': 2,
      'gaffr.service': 'flaky',
      'gaffr.route.service': 'flaky',
      'gaffr.route.outcome': 'only-service',
      'gaffr.route.why': expect.any(String),
      'gaffr.route.confidence': expect.any(Number),
      'gaffr.route.used_fallback': false,
    });
    expect(task?.events.map(({ name }) => name)).toEqual(['queued', 'retry']);
    expect(task?.events[1]?.attributes).toMatchObject({
      'error.type': 'SERVICE_FAILED',
      'gaffr.attempt': 1,
      'gaffr.retry.delay_seconds': expect.any(Number),
    });
    // Times are those of the runtime's clock.
    expect(endMs(attempts[1] as ReadableSpan)).toBeGreaterThanOrEqual(40);
    expect(endMs(task as ReadableSpan)).toBeGreaterThanOrEqual(10_040);
    expect(
      JSON.stringify([task, ...attempts].map((span) => [span?.attributes, span?.events, span?.status])),
    ).not.toContain('SECRET');
  });

  it('records texts only when told so', async () => {
    const { tracing, named } = recording({ recordTexts: true });
    const service = () => {
      throw new Error(`no luck ${'x'.repeat(5000)}`);
    };
    const { orchestrator } = simulated({ services: { service }, tracing });
    await orchestrator.execute(`do ${'y'.repeat(5000)}`, { maxRetries: 0 });
    const { attributes } = named('gaffr.task')[0] as ReadableSpan;
    expect(attributes['gaffr.task.text']).toMatch(/^do y{997}$/);
    expect(attributes['gaffr.error.text']).toMatch(/no luck x+$/);
    expect(String(attributes['gaffr.error.text'])).toHaveLength(1000);
  });

  it('leaves out what a model or a strategy of the user says of the task', async () => {
    const strategy = (task: string) => [
      { service: 'a', confidence: 0.9, reasons: [{ kind: 'llm' as const, note: `asks for ${task}` }] },
    ];
    const { tracing, named } = recording();
    const { orchestrator } = simulated({ services: { a: () => 1, b: () => 2 }, strategy, tracing });
    await orchestrator.execute('SECRET');
    const { attributes } = named('gaffr.task')[0] as ReadableSpan;
    expect(attributes).toMatchObject({ 'gaffr.route.service': 'a', 'gaffr.route.confidence': 0.9 });
    expect(JSON.stringify(attributes)).not.toContain('SECRET');
  });

  it("makes the attempt's span current in the service's code, after awaits and in generators too", async () => {
    const { tracing, tracer, named } = recording();
    const active = () => trace.getActiveSpan()?.spanContext().spanId;
    const seen: (string | undefined)[] = [];
    const services = {
      plain: async (_: string, { traceparent }: ServiceContext) => {
        await drained();
        tracer.startSpan('work of the service').end();
        seen.push(active());
        return traceparent;
      },
      items: async function* () {
        seen.push(active());
        yield 1;
        await drained();
        seen.push(active());
      },
    };
    const { orchestrator } = simulated({ services, tracing });
    const [first] = await orchestrator.executeParallel([
      { task: 'x', service: 'plain' },
      { task: 'x', service: 'items' },
    ]);
    const spans = new Map(named('gaffr.attempt').map((span) => [span.attributes['gaffr.service'], span]));
    const plain = spans.get('plain') as ReadableSpan;
    expect(named('work of the service')[0]?.parentSpanContext?.spanId).toBe(idOf(plain));
    expect(seen.sort()).toEqual([idOf(plain), idOf(spans.get('items')), idOf(spans.get('items'))].sort());
    const { traceId, spanId } = plain.spanContext();
    expect(first?.result).toBe(`00-${traceId}-${spanId}-01`);
  });

  it("takes a batch's place in the trace from the call, though its tasks begin later, in turns of others", async () => {
    const { tracing, tracer, named } = recording();
    const { orchestrator } = simulated({
      services: { echo: (task: string) => task },
      config: { taskConfig: { maxParallel: 1 } },
      tracing,
    });
    const caller = (name: string, call: () => Promise<unknown>) =>
      tracer.startActiveSpan(name, async (span) => {
        await call();
        span.end();
        return idOf(span as unknown as ReadableSpan);
      });
    const ids = await Promise.all([
      caller('first', () => orchestrator.executeParallel(['a', 'b', 'c'], { maxParallel: 1 })),
      caller('second', () =>
        orchestrator.executeSubtasks([
          { task: 'd', id: '1' },
          { task: 'e', dependsOn: ['1'] },
        ]),
      ),
    ]);
    const parents = named('gaffr.task').map((span) => span.parentSpanContext?.spanId);
    expect(parents.filter((id) => id === ids[0])).toHaveLength(3);
    expect(parents.filter((id) => id === ids[1])).toHaveLength(2);
  });

  it('nests what a service asks of the orchestrator itself', async () => {
    const { tracing, named } = recording();
    const services = {
      outer: () => orchestrator.execute('inner', { service: 'inner' }),
      inner: () => 'done',
    };
    const { orchestrator } = simulated({ services, tracing });
    await orchestrator.execute('outer', { service: 'outer' });
    const [inner, outer] = named('gaffr.attempt');
    const [innerTask] = named('gaffr.task');
    expect(innerTask?.parentSpanContext?.spanId).toBe(idOf(outer));
    expect(inner?.spanContext().traceId).toBe(outer?.spanContext().traceId);
  });

  it('ends every span: of tasks that were cancelled, refused, given up or timed out', async () => {
    const { tracing, all } = recording();
    const deaf = manualService();
    const { orchestrator, advance } = simulated({
      services: { deaf: { service: deaf, concurrency: 2 } },
      config: { taskConfig: { maxRetries: 0, mailboxCapacity: 1, timeoutSeconds: 1 } },
      tracing,
    });
    const handle = orchestrator.submit('cancelled while it runs', { taskId: 'same' });
    const refused = orchestrator.submit('refused', { taskId: 'same' });
    const others = ['times out', 'waits', 'too many', 'too many'].map((task) => orchestrator.execute(task));
    await drained();
    handle.cancel();
    const again = orchestrator.submit('under the same id', { taskId: 'same', queueTimeoutSeconds: 0.5 });
    for (let step = 0; step < 5; step += 1) await advance(1000);
    const closing = orchestrator.close({ drainSeconds: 0 });
    await advance(1);
    await Promise.all([handle.result(), refused.result(), again.result(), ...others, closing]);
    const tasks = all().filter(({ name }) => name === 'gaffr.task');
    expect(tasks).toHaveLength(7);
    const outcomes = all()
      .filter(({ name }) => name === 'gaffr.attempt')
      .map(({ attributes }) => attributes);
    expect(outcomes).toContainEqual(
      expect.objectContaining({
        'gaffr.task.id': 'same',
        'gaffr.attempt.outcome': 'cancelled',
        'gaffr.attempt.abandoned': true,
      }),
    );
    expect(outcomes).toContainEqual(
      expect.objectContaining({ 'gaffr.attempt.outcome': 'timed_out', 'error.type': 'TIMEOUT' }),
    );
    expect(outcomes).toHaveLength(deaf.calls.length);
    expect(tasks.map(({ attributes }) => attributes['error.type'])).toEqual(
      expect.arrayContaining(['DUPLICATE_ID', 'CANCELLED', 'QUEUE_FULL']),
    );
  });

  it('records nothing, and passes the trace on, while the application has no SDK', async () => {
    const service = (_: string, { traceparent }: ServiceContext) => traceparent;
    const { orchestrator } = simulated({ services: { service }, tracing: openTelemetryTracing() });
    expect((await orchestrator.execute('x')).result).toBeNull();
    expect((await orchestrator.execute('x', { traceparent: TRACEPARENT })).result).toBe(TRACEPARENT);
  });
});

describe('the trace of the caller', () => {
  it.each([
    ['a valid one', TRACEPARENT, true],
    ['one of a later version with more fields', `01-${TRACE}-${PARENT}-01-more`, true],
    ['capital letters', TRACEPARENT.toUpperCase(), false],
    ['the version ff', TRACEPARENT.replace(/^00/, 'ff'), false],
    ['more fields in version 00', `${TRACEPARENT}-more`, false],
    ['a trace id of nothing', `00-${'0'.repeat(32)}-${PARENT}-01`, false],
    ['a span id of nothing', `00-${TRACE}-${'0'.repeat(16)}-01`, false],
    ['a line end', `${TRACEPARENT}\n`, false],
    ['a second line', `${TRACEPARENT}\r\nx-evil: 1`, false],
    ['one far too long', `01-${TRACE}-${PARENT}-01-${'x'.repeat(1000)}`, false],
    ['no text', 7, false],
    ['nothing', undefined, false],
  ])('is read from %s', (_, text, isValid) => {
    expect(parseTraceparent(text) !== null).toBe(isValid);
  });

  it('reaches the service without any tracing, unless it is not valid', async () => {
    const service = (_: string, { traceparent }: ServiceContext) => traceparent;
    const { orchestrator } = simulated({ services: { service } });
    expect((await orchestrator.execute('x', { traceparent: TRACEPARENT })).result).toBe(TRACEPARENT);
    expect((await orchestrator.execute('x', { traceparent: 'evil\r\n' })).result).toBeNull();
    expect((await orchestrator.execute('x')).result).toBeNull();
  });

  it('comes in with the _meta of an MCP call, for each of the tools that run tasks', async () => {
    const { tracing, named } = recording();
    const { orchestrator } = simulated({
      services: { echo: (_: string, { traceparent }: ServiceContext) => traceparent },
      tracing,
    });
    const [near, far] = InMemoryTransport.createLinkedPair();
    const server = createMcpServer(orchestrator);
    await server.connect(far as never);
    const client = new Client({ name: 'test', version: '0' });
    await client.connect(near);
    const call = (name: string, args: Record<string, unknown>, meta: Record<string, unknown>) =>
      client.callTool({ name, arguments: args, _meta: meta });
    const meta = { traceparent: TRACEPARENT, tracestate: 'vendor=1' };
    await call('execute', { task: 'a' }, meta);
    await call('executeParallel', { tasks: ['b', 'c'] }, meta);
    await call('executeSubtasks', { subtasks: [{ task: 'd' }] }, meta);
    await call('execute', { task: 'e' }, { traceparent: 'nonsense' });
    await call('execute', { task: 'f' }, { traceparent: { evil: true } });
    const tasks = named('gaffr.task');
    const inTrace = tasks.filter((span) => span.spanContext().traceId === TRACE);
    expect(tasks).toHaveLength(6);
    expect(inTrace).toHaveLength(4);
    for (const span of inTrace) {
      expect(span.parentSpanContext).toMatchObject({ spanId: PARENT, isRemote: true });
      expect(span.spanContext().traceState?.get('vendor')).toBe('1');
    }
    await client.close();
  });
});

describe('promise C14 a tracing that misbehaves', () => {
  const about: Tracing = {
    origin: () => 0,
    submitted: () => {},
    attempt: (_, run) => run(null),
    told: () => {},
  };
  const fail = () => {
    throw new Error('the tracing is broken');
  };
  it.each<[string, Tracing]>([
    ['throws everywhere', { origin: fail, submitted: fail, attempt: fail, told: fail }],
    ['never runs the code', { ...about, attempt: () => {} }],
    ['runs the code twice', { ...about, attempt: (_, run) => [run(null), run(null)] }],
    ['runs the code and throws', { ...about, attempt: (_, run) => [run(null), fail()] }],
    ['is no tracing', {} as Tracing],
  ])('%s: the code runs exactly once', async (_, tracing) => {
    let calls = 0;
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (_facts: object, message: string) => void warnings.push(message) };
    const { orchestrator } = simulated({ services: { count: () => ++calls }, tracing, log });
    expect(await orchestrator.execute('x')).toMatchObject({ success: true, result: 1, attempts: 1 });
    expect(calls).toBe(1);
    expect(warnings.every((message) => message === 'the tracing threw')).toBe(true);
  });
});
