import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/environment.js';
import type { RuntimeEvent } from '../../src/core/events.js';
import { createFlightRecorder } from '../../src/inspect/flight-recorder.js';
import { limitsOf, withoutTexts } from '../../src/inspect/history-lines.js';
import { readRecording } from '../../src/inspect/replay/read-recording.js';
import { type Moment, type MomentQuery, Replay } from '../../src/inspect/replay/replay.js';
import { serveReplay } from '../../src/inspect/replay/serve-replay.js';
import { serviceMachine } from '../../src/machines/service.machine.js';
import { drained, manualService, simulated } from '../support/simulation.js';
import { TOKEN } from './support.js';

const ABOUT = { machine: serviceMachine, name: 'run.ndjson', version: '9.9.9' };

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gaffr-replay-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** A run of ten seconds: a retry, an attempt that times out, a circuit that opens, changed limits, a second use of an id. */
async function aRun() {
  const work = manualService();
  const down = manualService();
  const { orchestrator, advance } = simulated({
    log: silentLog,
    services: {
      work: { service: work, keywords: ['work'], concurrency: 2 },
      down: { service: down, keywords: ['break'], concurrency: 1 },
    },
    config: {
      taskConfig: { timeoutSeconds: 2, maxRetries: 1, circuitFailures: 3 },
      routingConfig: { fallbackService: 'work', onUnavailable: 'wait' },
    },
  });
  const lines: object[] = [{ type: 'limits', ...limitsOf(orchestrator) }];
  orchestrator.on('event', (event: RuntimeEvent) => lines.push(withoutTexts(event)));
  const recorder = createFlightRecorder(orchestrator, { keepEvents: 12, now: () => 0 });
  const options = { service: 'work' };
  const all = [
    orchestrator.execute('SECRET a', options),
    orchestrator.execute('SECRET b', { ...options, maxRetries: 0 }),
    orchestrator.execute('SECRET c', { ...options, priority: -1 }),
  ];
  await drained();
  await advance(1000);
  work.calls[0]?.reject({ message: 'SECRET', retryable: true });
  await advance(500);
  orchestrator.setMaxParallel(7);
  for (let failures = 0; failures < 3; failures += 1) {
    all.push(orchestrator.execute('SECRET d', { service: 'down', maxRetries: 0 }));
    await drained();
    down.calls[failures]?.reject(Object.assign(new Error('SECRET'), { code: 'ECONNREFUSED' }));
    await drained();
  }
  for (let step = 0; step < 16; step += 1) {
    await advance(500);
    for (const call of work.open()) if (!call.task.endsWith('b')) call.resolve('SECRET');
  }
  for (const call of work.open()) call.resolve('late');
  await drained();
  await Promise.all(all);
  return { orchestrator, lines, recorder, text: ndjsonOf(lines) };
}

function ndjsonOf(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

const figuresOf = ({ services }: Pick<Moment, 'services'>) =>
  services.map(({ name, state, queued, completed, failed, instances }) => ({
    name,
    state,
    queued,
    completed,
    failed,
    busy: instances.busy,
    retrying: instances.retrying,
  }));

describe('Replay', () => {
  it('ends with the figures that the orchestrator itself shows at the end', async () => {
    const { orchestrator, text } = await aRun();
    const replay = new Replay(await readRecording(await fileOf('a.ndjson', text)), ABOUT);
    const { endMs, services } = replay.hello();
    const end = replay.moment({ atMs: endMs });
    const live = orchestrator.listServices().map(({ name, state, queued, completed, failed, instances }) => {
      const { busy, retrying } = instances;
      return { name, state, queued, completed, failed, busy, retrying };
    });
    expect(figuresOf(end)).toEqual(live);
    expect(services.map(({ name }) => name)).toEqual(['work', 'down']);
    const { running, queued } = orchestrator.stats();
    expect(end.stats).toMatchObject({ running, queued, maxParallel: 7 });
  });

  it('shows states, limits, circuits, tasks and their attempts as they were at any moment', async () => {
    const { text } = await aRun();
    const replay = new Replay(await readRecording(await fileOf('b.ndjson', text)), ABOUT);
    const at = (atMs: number, over: Partial<MomentQuery> = {}): Moment => replay.moment({ atMs, ...over });
    expect(at(0).stats).toMatchObject({ running: 2, queued: 1, maxParallel: 5 });
    expect(at(0).services[0]).toMatchObject({
      name: 'work',
      state: 'busy',
      concurrency: 2,
      states: ['busy', 'busy'],
    });
    expect(at(0).services[1]).toMatchObject({ state: 'idle', completed: 0, lastError: null });
    expect(at(1500).stats.maxParallel).toBe(7);
    expect(at(1500).services[1]).toMatchObject({ state: 'failed', failed: 3, lastError: 'SERVICE_FAILED' });
    expect(at(0, { filter: 'failed' }).tasks).toEqual([]);
    expect(at(0, { filter: 'open' }).tasks.map(({ id }) => id)).toEqual(['t1', 't2', 't3']);
    expect(at(9000, { filter: 'failed' }).tasks.map(({ id, state }) => [id, state])).toEqual([
      ['t4', 'failed'],
      ['t5', 'failed'],
      ['t6', 'failed'],
      ['t2', 'timed_out'],
    ]);
    expect(at(0).latest[0]).toMatchObject({ type: 'started', taskId: 't2', about: 'attempt 1 on work#1' });
    expect(replay.task('t4', 1000)).toBeUndefined();
    expect(replay.task('t1', 500)).toMatchObject({
      state: 'running',
      text: null,
      end: null,
      isRecorded: true,
    });
    expect(replay.task('t1', 9000)).toMatchObject({
      state: 'completed',
      end: { attempts: 2, preview: null },
      spans: [
        { kind: 'queued' },
        { kind: 'queued' },
        { kind: 'attempt', attempt: 1, outcome: 'failed', errorCode: 'SERVICE_FAILED' },
        { kind: 'backoff' },
        { kind: 'attempt', attempt: 2, outcome: 'completed', errorCode: null },
      ],
    });
  });

  it('steps from fact to fact to both ends, and back to the same', async () => {
    const { text } = await aRun();
    const replay = new Replay(await readRecording(await fileOf('c.ndjson', text)), ABOUT);
    const { startMs, endMs, facts } = replay.hello();
    const way: Moment[] = [replay.moment({ atMs: startMs })];
    for (let next = way[0]?.afterMs ?? null; next !== null; next = way.at(-1)?.afterMs ?? null) {
      way.push(replay.moment({ atMs: next }));
    }
    expect(way.length).toBeGreaterThan(5);
    expect(way.at(-1)).toMatchObject({ atMs: endMs, facts, progress: 1, afterMs: null });
    for (const [index, moment] of way.entries()) {
      expect(moment.beforeMs).toBe(way[index - 1]?.atMs ?? null);
      expect(replay.moment({ atMs: moment.atMs })).toEqual(moment);
    }
    // Beyond the ends there is nothing else.
    expect(replay.moment({ atMs: -1e300 }).facts).toBe(way[0]?.facts);
    expect(replay.moment({ atMs: 1e300 }).facts).toBe(facts);
  });

  it('flashes the edges that fired since the moment before', async () => {
    const { text } = await aRun();
    const replay = new Replay(await readRecording(await fileOf('d.ndjson', text)), ABOUT);
    const { edges } = replay.hello().charts.service;
    const firedOf = (sinceMs: number, atMs: number) =>
      replay
        .moment({ atMs, sinceMs })
        .services.map(({ fired }) =>
          Object.entries(fired).map(
            ([place, count]) => `${edges[Number(place)]?.from}→${edges[Number(place)]?.to} ${count}`,
          ),
        );
    expect(firedOf(0, 999)).toEqual([[], []]);
    // The instance of the task in backoff stays with it, so that the waiting one takes nobody's place.
    expect(firedOf(999, 1000)).toEqual([['busy→retrying 1'], []]);
    const [, down] = firedOf(1000, 1500);
    expect(down).toEqual(expect.arrayContaining(['busy→failed 1']));
    expect(firedOf(1500, 1000)).toEqual([[], []]);
  });

  it('shows the same moments when the beginning was folded away, by the recorder or while reading', async () => {
    const { text, recorder } = await aRun();
    const whole = new Replay(await readRecording(await fileOf('e.ndjson', text)), ABOUT);
    const recorded = await readRecording(await fileOf('f.ndjson', recorder.toNdjson()));
    const folded = await readRecording(await fileOf('e.ndjson', text), { keepEvents: 12 });
    expect(recorded.notices).toEqual([expect.stringMatching(/recorder had dropped the first \d+ facts/)]);
    expect(folded.notices).toEqual([
      expect.stringMatching(/more than 12 facts: the first \d+ facts .* --keep-events/),
    ]);
    expect(folded.events).toEqual(recorded.events);
    expect(folded.cut?.state).toEqual(recorded.cut?.state);
    for (const recording of [recorded, folded]) {
      const replay = new Replay(recording, ABOUT);
      const { startMs, endMs } = replay.hello();
      expect(startMs).toBeGreaterThan(0);
      for (const atMs of [startMs, (startMs + endMs) / 2, endMs]) {
        const { stats, tasks } = replay.moment({ atMs, filter: 'open' });
        const expected = whole.moment({ atMs, filter: 'open' });
        expect(stats).toEqual(expected.stats);
        const states = ({ tasks: list }: Pick<Moment, 'tasks'>) =>
          list.map(({ id, state, startMs: from }) => [id, state, from]);
        expect(states({ tasks })).toEqual(states(expected));
      }
    }
  });

  it('has plots of the whole recording, however long it is', async () => {
    const lines = [0, 1, 2].flatMap((index) => {
      const about = { taskId: `t${index}`, service: 's' };
      const atMs = index * 86_400_000 * 365;
      return [
        { type: 'submitted', atMs, taskId: about.taskId, priority: 0 },
        { type: 'queued', atMs, ...about },
        { type: 'started', atMs, instance: 's#0', attempt: 1, ...about },
        {
          type: 'settled',
          atMs: atMs + 5,
          ...about,
          status: 'completed',
          result: { attempts: 1, errorCode: null },
        },
      ];
    });
    const replay = new Replay(await readRecording(await fileOf('long.ndjson', ndjsonOf(lines))), ABOUT);
    const { history, endMs } = replay.hello();
    expect(Object.keys(history)).toEqual(['', 's']);
    expect(history.s?.length).toBe(240);
    expect(history.s?.[0]).toMatchObject({ p50Ms: null, successRate: null });
    expect(history.s?.at(-1)).toMatchObject({ p50Ms: 5, successRate: 1, queued: 0, running: 0 });
    expect(replay.moment({ atMs: endMs })).toMatchObject({ column: 239, progress: 1 });
  });

  it('plays what no run would write: unknown tasks, time that goes back, two ends, an id used again', async () => {
    const settled = { type: 'settled', status: 'failed', result: { attempts: 9, errorCode: 'X' } };
    const lines = [
      { ...settled, atMs: 5, taskId: 'ghost', service: '__proto__' },
      { type: 'submitted', atMs: -3, taskId: 'a', priority: 0 },
      { type: 'submitted', atMs: 1, taskId: 'a', priority: 0 },
      { ...settled, atMs: 1, taskId: 'a', result: { attempts: 0, errorCode: 'DUPLICATE_ID' } },
      { type: 'started', atMs: 2, taskId: 'a', service: 'constructor', instance: 'i', attempt: 1 },
      { ...settled, atMs: 8, taskId: 'a', service: 'constructor' },
      { ...settled, atMs: 9, taskId: 'a', service: 'constructor' },
      { type: 'submitted', atMs: 1e300, taskId: 'a', priority: 0 },
      { type: 'resized', atMs: 1e300, service: '__proto__', limit: 3 },
      { type: 'of a later version', atMs: 1 },
    ];
    const recording = await readRecording(await fileOf('odd.ndjson', ndjsonOf(lines)));
    expect(recording.notices).toEqual([expect.stringContaining('1 fact of a kind')]);
    const replay = new Replay(recording, ABOUT);
    expect(replay.hello().services.map(({ name }) => name)).toEqual(['__proto__', 'constructor']);
    expect(replay.task('a', 8)).toMatchObject({
      state: 'failed',
      spans: [{ kind: 'queued' }, { kind: 'attempt' }],
    });
    expect(replay.task('a', 1e300)).toMatchObject({ state: 'waiting', end: null });
    expect(replay.task('ghost', 1e300)).toBeUndefined();
    for (const filter of ['all', 'open', 'failed'] as const) {
      JSON.stringify(replay.moment({ atMs: 1e299, sinceMs: 0, filter }));
    }
  });

  it('shows a bounded part of what has too many services, instances, tasks and facts', async () => {
    const lines = Array.from({ length: 3000 }, (_, index) => {
      const taskId = `t${index}`;
      const service = `service ${index % 150}`;
      return [
        { type: 'submitted', atMs: index, taskId, priority: 0 },
        { type: 'started', atMs: index, taskId, service, instance: `${service}#${index}`, attempt: 1 },
      ];
    }).flat();
    const replay = new Replay(await readRecording(await fileOf('many.ndjson', ndjsonOf(lines))), ABOUT);
    expect(replay.hello()).toMatchObject({ notices: ['50 of the services are left out.'] });
    const end = replay.moment({ atMs: 1e9, sinceMs: 0 });
    expect(end.services).toHaveLength(100);
    expect(end.stats.running).toBe(3000);
    expect(end.tasks).toHaveLength(40);
    expect(JSON.stringify(end).length).toBeLessThan(100_000);
  });
});

describe('readRecording()', () => {
  it.each([
    ['an empty file', '', /holds no fact/],
    ['blank lines', '\n\n \n', /holds no fact/],
    ['limits alone', '{"type":"limits","maxParallel":3}\n', /holds no fact/],
    ['a text', 'Dear all,\nplease find\n', /Line 1 of the history is no JSON/],
    ['an image', '\u0089PNG\r\n\u001a\n\u0000\u0000', /Line 1 of the history is no JSON/],
    ['other JSON', '{"some":"thing"}\n', /Line 1 of the history is no event/],
    ['an array', '[1,2,3]\n', /Line 1 of the history is no event/],
    [
      'a fact without its time',
      '{"type":"queued","taskId":"a","service":"s"}\n',
      /Line 1 .*no event[\s\S]*atMs/,
    ],
    [
      'a broken line in the middle',
      '{"type":"circuit","atMs":1,"service":"s","state":"open"}\n{"ty\n{}\n',
      /Line 2/,
    ],
  ])('says what is wrong with %s', async (what, text, why) => {
    const path = await fileOf(`bad-${what.replaceAll(' ', '-')}`, text);
    await expect(readRecording(path)).rejects.toThrow(why);
  });

  it('refuses what is no file, or is not there', async () => {
    await expect(readRecording(folder)).rejects.toThrow('It is no file.');
    await expect(readRecording('/dev/zero')).rejects.toThrow('It is no file.');
    await expect(readRecording(join(folder, 'none'))).rejects.toThrow('ENOENT');
  });

  it('leaves out a line that was not written to its end, and says so', async () => {
    const { text } = await aRun();
    const path = await fileOf('torn.ndjson', text);
    await truncate(path, Buffer.byteLength(text) - 20);
    const { events, notices } = await readRecording(path);
    expect(notices).toEqual(['The last line was not written to its end, and is left out.']);
    expect(events).toHaveLength(text.trimEnd().split('\n').length - 2);
  });

  it('reads a line that lies across the pieces of the file, and letters of several bytes', async () => {
    const service = 'é😀'.repeat(20_000);
    const lines = Array.from({ length: 40 }, (_, atMs) => ({
      type: 'circuit',
      atMs,
      service,
      state: 'open',
    }));
    const { events } = await readRecording(await fileOf('wide.ndjson', ndjsonOf(lines)));
    expect(events).toEqual(lines);
  });

  it('keeps no more than it is told of a long file', async () => {
    const lines = Array.from({ length: 30_000 }, (_, index) => [
      { type: 'submitted', atMs: index, taskId: `t${index}`, priority: 0 },
      {
        type: 'settled',
        atMs: index,
        taskId: `t${index}`,
        service: 's',
        status: 'completed',
        result: { attempts: 1, errorCode: null },
      },
    ]).flat();
    const { events, cut, notices } = await readRecording(await fileOf('giant.ndjson', ndjsonOf(lines)), {
      keepEvents: 1000,
    });
    expect(events).toHaveLength(1000);
    expect(cut?.state).toMatchObject({ submitted: 29_500, settled: { completed: 29_500 }, tasks: [] });
    expect(notices[0]).toMatch(/more than 1,000 facts: the first 59,000 facts/);
  });
});

describe('serveReplay()', () => {
  async function open() {
    const { text } = await aRun();
    const recording = await readRecording(await fileOf('served.ndjson', text));
    const page = await serveReplay(recording, { ...ABOUT, port: 0, token: TOKEN, log: silentLog });
    const authorization = `Bearer ${TOKEN}`;
    return {
      page,
      ask: (path: string, init: RequestInit = {}) =>
        fetch(page.url + path, { ...init, headers: { authorization } }),
      [Symbol.asyncDispose]: () => page.close(),
    };
  }

  it('lets in whom the dashboard lets in, and nobody else', async () => {
    await using opened = await open();
    const { url } = opened.page;
    const statusOf = (path: string, headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = request(url + path, { headers }, (response) => resolve(response.resume().statusCode));
        sent.on('error', reject).end();
      });
    const authorization = `Bearer ${TOKEN}`;
    for (const path of ['/api/feed', '/api/now', '/api/moment?at=0', '/api/task?id=t1']) {
      expect(await statusOf(path, {})).toBe(401);
      expect(await statusOf(path, { authorization: 'Bearer wrong' })).toBe(401);
      expect(await statusOf(path, { authorization, origin: 'https://evil.example' })).toBe(403);
      expect(await statusOf(path, { authorization, host: 'evil.example' })).toBe(403);
    }
    expect(await statusOf('/api/now', { authorization })).toBe(200);
    expect(await statusOf('/', {})).toBe(200);
  });

  it.each(['pause', 'resume', 'run', 'cancel', 'max-parallel', 'reset-circuit', 'moment', '__proto__'])(
    'takes no order %s',
    async (name) => {
      await using opened = await open();
      for (const method of ['POST', 'PUT', 'DELETE']) {
        const response = await opened.ask(`/api/${name}`, { method, body: '{"task":"x"}' });
        expect(response.status).toBe(405);
        expect(await response.json()).toEqual({ error: 'A recording takes no orders.' });
      }
    },
  );

  it('answers moments and tasks, and says what it cannot read', async () => {
    await using opened = await open();
    expect(await (await opened.ask('/api/moment?at=500')).json()).toMatchObject({
      type: 'moment',
      atMs: 500,
    });
    expect(await (await opened.ask('/api/task?id=t1&at=500')).json()).toMatchObject({ state: 'running' });
    expect((await opened.ask('/api/task?id=nobody')).status).toBe(404);
    for (const query of ['', '?at=', '?at=x', '?at=NaN', '?at=Infinity', '?at=0&filter=__proto__']) {
      expect((await opened.ask(`/api/moment${query}`)).status).toBe(400);
    }
    expect((await opened.ask('/api/nothing')).status).toBe(404);
  });

  it('says by its feed what there is to show, without any text of a task', async () => {
    await using opened = await open();
    const response = await opened.ask('/api/feed');
    const reader = response.body?.getReader();
    const text = new TextDecoder().decode((await reader?.read())?.value);
    expect(JSON.parse(text.replace(/^data: /, ''))).toMatchObject({
      type: 'recording',
      name: 'run.ndjson',
      startMs: 0,
    });
    expect(text).not.toContain('SECRET');
    await reader?.cancel();
  });
});
