import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, expect, it } from 'vitest';
import type { Log } from '../../src/core/environment.js';
import { createOrchestrator, ExecutionConfig } from '../../src/index.js';
import { openTelemetryMetrics } from '../../src/inspect/meter.js';
import { createMetrics } from '../../src/inspect/metrics.js';
import { logTasks } from '../../src/inspect/task-log.js';
import { openTelemetryTracing } from '../../src/inspect/tracing.js';
import { startServer, type TestServer, TOKEN } from '../support/http-server.js';
import { parseMetrics } from '../support/prometheus.js';

const PROMPT = 'prompt-of-a-user';
const KEY = 'sk-live-0123456789';

let server: TestServer | undefined;
afterEach(() => server?.close());

/** A run in which texts and secrets stand wherever a caller and a service can put them. */
async function aRun() {
  const spans = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer(
    'test',
  );
  const figures = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: figures, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  const lines: { level: string; line: string }[] = [];
  const at = (level: string) => (facts: object, message: string) =>
    void lines.push({
      level,
      // As pino writes errors: with message, stack and own fields.
      line: JSON.stringify([facts, message], (_, value: unknown) =>
        value instanceof Error ? { ...value, message: value.message, stack: value.stack } : value,
      ),
    });
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  let calls = 0;
  const orchestrator = createOrchestrator({
    services: {
      echo: (task: string) => ({ task, key: KEY }),
      refuses: (task: string) => {
        throw Object.assign(new Error(`cannot do ${task} with ${KEY}`), { code: 'BAD_INPUT' });
      },
      flaky: (task: string) => {
        calls += 1;
        if (calls % 2 === 1) throw Object.assign(new Error(`${task} ${KEY}`), { retryable: true });
        return task;
      },
      down: (task: string) => {
        throw Object.assign(new Error(`cannot send ${task} with ${KEY}`), { code: 'ECONNREFUSED' });
      },
    },
    strategy: {
      route: (task: string) => [
        { service: 'echo', confidence: 0.9, reasons: [{ kind: 'custom' as const, note: `says ${task}` }] },
      ],
    },
    config: ExecutionConfig.create({
      maxParallel: 2,
      maxRetries: 1,
      circuitFailures: 2,
      backoffBaseSeconds: 0.001,
    }),
    tracing: openTelemetryTracing({ tracer }),
    log,
  });
  openTelemetryMetrics(orchestrator, { meter: provider.getMeter('test') });
  const prometheus = createMetrics(orchestrator);
  logTasks(orchestrator, log);
  const options = { kwargs: { apiKey: KEY, note: PROMPT }, idempotencyKey: `${PROMPT} ${KEY}` };
  await orchestrator.execute(PROMPT, options);
  for (const service of ['refuses', 'flaky', 'nobody', 'down'])
    await orchestrator.execute(`${PROMPT} ${KEY}`, { service });
  orchestrator.submit(`${PROMPT} ${KEY}`, { service: 'echo' }).cancel(`${PROMPT} ${KEY}`);
  const controller = new AbortController();
  const aborted = orchestrator.execute(PROMPT, { signal: controller.signal });
  controller.abort(new Error(`${PROMPT} ${KEY}`));
  await aborted;
  orchestrator.on('event', () => {
    throw new Error('a listener of the user');
  });
  await orchestrator.onIdle();
  await reader.forceFlush();
  await orchestrator.close({ drainSeconds: 0 });
  return { spans: spans.getFinishedSpans(), figures: figures.getMetrics(), lines, prometheus };
}

it('puts no prompt, secret or token into a label, an attribute or a line above debug', async () => {
  const { spans, figures, lines, prometheus } = await aRun();
  server = await startServer({ metrics: prometheus });
  const page = await server.send({ path: '/metrics', headers: { authorization: `Bearer ${TOKEN}` } });
  const seen = {
    spans: spans.map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
    figures: figures.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((each) => each.metrics)),
    lines: lines.filter(({ level }) => level !== 'debug'),
    page: page.text,
  };
  // Each of them has something to hide.
  expect(seen.spans.length).toBeGreaterThan(8);
  expect(seen.figures.length).toBeGreaterThan(8);
  expect(seen.lines.length).toBeGreaterThan(3);
  expect(seen.lines.some(({ line }) => line.includes('a circuit opened'))).toBe(true);
  for (const [what, content] of Object.entries(seen)) {
    for (const text of [PROMPT, KEY, TOKEN]) {
      expect({ what, text, isThere: JSON.stringify(content).includes(text) }).toEqual({
        what,
        text,
        isThere: false,
      });
    }
  }
});

it('serves figures of a real run that a strict parser takes', async () => {
  const { prometheus } = await aRun();
  server = await startServer({ metrics: prometheus });
  const { text, status } = await server.send({
    path: '/metrics',
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  expect(status).toBe(200);
  const { value, types } = parseMetrics(text);
  expect(value('gaffr_tasks_submitted_total')).toBe(7);
  expect(value('gaffr_errors_total', { service: 'refuses', code: 'SERVICE_FAILED' })).toBe(1);
  expect(types.get('gaffr_task_seconds')).toBe('histogram');
});
