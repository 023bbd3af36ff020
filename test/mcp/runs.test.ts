import { afterEach, describe, expect, it, vi } from 'vitest';
import { SimulatedClock } from 'xstate';
import { silentLog } from '../../src/core/environment.js';
import { Presence } from '../../src/mcp/presence.js';
import type { RunEnd } from '../../src/mcp/runs/run.js';
import { parseRunLimits, type RunLimitsInput } from '../../src/mcp/runs/run-limits.js';
import { type RunHooks, type RunRequest, RunStore } from '../../src/mcp/runs/run-store.js';

/** Work that ends when the test says so. */
interface Held extends RunHooks {
  end(over?: Partial<RunEnd>): Promise<void>;
  fail(cause: unknown): Promise<void>;
}

const stores: RunStore[] = [];
afterEach(() => {
  for (const store of stores.splice(0)) store.close();
});

function openStore(limits: RunLimitsInput = {}) {
  const clock = new SimulatedClock();
  const runs = new RunStore({ clock, limits });
  stores.push(runs);
  const held: Held[] = [];
  const work: RunRequest['work'] = (hooks) =>
    new Promise((resolve, reject) => {
      held.push({
        ...hooks,
        end(over) {
          resolve({ ...endOf(hooks.runId), ...over });
          return settled();
        },
        fail(cause) {
          reject(cause);
          return settled();
        },
      });
    });
  const start = (over: Partial<RunRequest> = {}) =>
    runs.start({
      toolName: 'execute',
      principal: null,
      args: { task: 'a' },
      idempotencyKey: undefined,
      work,
      ...over,
    });
  return { runs, clock, held, start };
}

function endOf(runId: string, status = 'completed'): RunEnd {
  return {
    answer: { text: 'done', structuredContent: { runId, status }, isError: status !== 'completed' },
    wholeJson: null,
    wasTried: true,
  };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
const waiting = (presence = new Presence(), waitSeconds?: number) => ({ presence, waitSeconds });

describe('a run', () => {
  it('is answered with its end when that comes in time', async () => {
    const { runs, held, start } = openStore();
    const run = start();
    const answer = runs.answerOf(run, waiting());
    await held[0]?.end();
    expect(await answer).toEqual({
      text: 'done',
      structuredContent: { runId: run.id, status: 'completed' },
      isError: false,
    });
    expect(run.id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });

  it('fault C13 is answered as running when patience ends first, and is found again with its end', async () => {
    const { runs, clock, held, start } = openStore();
    const run = start();
    const answer = runs.answerOf(run, waiting());
    held[0]?.onProgress(0.4, 'page 2 of 5');
    clock.increment(44_999);
    clock.increment(1);
    expect(await answer).toEqual({
      text: `Run ${run.id} is still running (40 %: page 2 of 5). Call getRun with runId "${run.id}" to wait for its result, or cancelRun to stop it.`,
      structuredContent: { runId: run.id, status: 'running', progress: 0.4, message: 'page 2 of 5' },
      isError: false,
    });
    const poll = runs.answerOf(runs.find(run.id, null), waiting(new Presence(), 50));
    clock.increment(40_000);
    await held[0]?.end();
    expect(await poll).toMatchObject({ text: 'done' });
    expect(runs.get(run.id, null)).toBe(run);
  });

  it('is answered at once when the caller waits for nothing', async () => {
    const { runs, start } = openStore();
    expect(await runs.answerOf(start(), waiting(new Presence(), 0))).toMatchObject({
      structuredContent: { status: 'running' },
    });
  });

  it('fault C1 is stopped when its only caller leaves before he has a handle, and is forgotten', async () => {
    const { runs, held, start } = openStore();
    const run = start();
    const presence = new Presence();
    const answer = runs.answerOf(run, waiting(presence));
    presence.leave('lost', 'gone');
    expect(held[0]?.signal.reason).toBe('gone');
    await held[0]?.end();
    await answer;
    expect(runs.get(run.id, null)).toBeUndefined();
  });

  it('fault C1 goes on when a caller leaves who has the handle', async () => {
    const { runs, held, start } = openStore();
    const run = start();
    await runs.answerOf(run, waiting(new Presence(), 0));
    const presence = new Presence();
    const poll = runs.answerOf(run, waiting(presence));
    presence.leave('cancelled', 'enough');
    await poll;
    expect(held[0]?.signal.aborted).toBe(false);
    await held[0]?.end();
    expect(runs.find(run.id, null).status).toBe('completed');
  });

  it('keeps what failed: what the caller did wrong in its own words, a fault of ours by an id', async () => {
    const error = vi.fn();
    const runs = new RunStore({ clock: new SimulatedClock(), log: { ...silentLog, error } });
    const request = { toolName: 'execute', principal: null, args: {}, idempotencyKey: undefined };
    const run = runs.start({ ...request, work: async () => Promise.reject(new Error('secret /etc/keys')) });
    const first = await runs.answerOf(run, waiting());
    expect(first).toMatchObject({ isError: true, text: expect.stringMatching(/^INTERNAL: .*error id/) });
    expect(first.text).not.toContain('secret');
    expect(await runs.answerOf(runs.find(run.id, null), waiting())).toEqual(first);
    expect(error).toHaveBeenCalledTimes(1);
  });

  it('tells progress to all who follow, and none after its end', async () => {
    const { runs, held, start } = openStore();
    const run = start();
    const [one, two] = [vi.fn(), vi.fn()];
    const first = runs.answerOf(run, { ...waiting(), onProgress: one });
    held[0]?.onProgress(0.5, 'half');
    const second = runs.answerOf(run, { ...waiting(), onProgress: two });
    await held[0]?.end();
    held[0]?.onProgress(0.9, 'late');
    await Promise.all([first, second]);
    expect(one.mock.calls).toEqual([[0.5, 'half']]);
    expect(two.mock.calls).toEqual([[0.5, 'half']]);
  });
});

describe('RunStore.cancel()', () => {
  it('stops a run once, and changes nothing after its end', async () => {
    const { runs, held, start } = openStore();
    const run = start();
    runs.cancel(run, 'first');
    runs.cancel(run, 'second');
    expect(held[0]?.signal.reason).toBe('first');
    await held[0]?.end(endOf(run.id, 'cancelled'));
    runs.cancel(run, 'third');
    expect(run.status).toBe('cancelled');
  });

  it('aborts no signal that other work has taken over', async () => {
    const { runs, held, start } = openStore();
    const first = start();
    await held[0]?.end();
    start();
    runs.cancel(first, 'late');
    expect(held[1]?.signal.aborted).toBe(false);
  });
});

describe('principals', () => {
  it('fault C15 see neither the runs of others nor a difference to unknown ones', () => {
    const { runs, start } = openStore();
    const run = start({ principal: 'alice' });
    expect(runs.find(run.id, 'alice')).toBe(run);
    const textOf = (runId: string, principal: string | null) => {
      try {
        runs.find(runId, principal);
        return 'found';
      } catch (cause) {
        return String(cause).replaceAll(runId, 'ID');
      }
    };
    const unknown = textOf('00000000-0000-4000-8000-000000000000', 'bob');
    expect(unknown).toMatch(/no run "ID" of yours/);
    expect([textOf(run.id, 'bob'), textOf(run.id, null)]).toEqual([unknown, unknown]);
    expect([runs.list('alice'), runs.list('bob'), runs.list(null)]).toEqual([[run], [], []]);
  });

  it('have half of what may be under way each, and the one client of a connection all of it', () => {
    const { start } = openStore({ running: 4 });
    start({ principal: 'alice' });
    start({ principal: 'alice' });
    expect(() => start({ principal: 'alice' })).toThrow(
      expect.objectContaining({ code: 'QUEUE_FULL', message: expect.stringContaining('running is 4') }),
    );
    start({ principal: 'bob' });
    start({ principal: 'bob' });
    expect(() => start({ principal: 'carol' })).toThrow(expect.objectContaining({ code: 'QUEUE_FULL' }));
    const alone = openStore({ running: 4 });
    for (let count = 0; count < 4; count += 1) alone.start();
    expect(() => alone.start()).toThrow(expect.objectContaining({ code: 'QUEUE_FULL' }));
  });

  it('have half of the bytes that arguments may take, and get them back', async () => {
    const { held, start } = openStore({ runningBytes: 2000 });
    const args = { task: 'x'.repeat(600), kwargs: { deep: ['y'.repeat(300)] } };
    start({ principal: 'alice', args });
    expect(() => start({ principal: 'alice', args })).toThrow(/runningBytes is 2000/);
    await held[0]?.end();
    start({ principal: 'alice', args });
  });
});

describe('an idempotency key', () => {
  const keyed = { idempotencyKey: 'k', principal: 'alice' };

  it('fault C14 joins a live run and replays a finished one', async () => {
    const { runs, held, start } = openStore();
    const run = start(keyed);
    expect(start(keyed)).toBe(run);
    await held[0]?.end();
    expect(start(keyed)).toBe(run);
    expect(await runs.answerOf(run, waiting())).toMatchObject({ text: 'done' });
    expect(held).toHaveLength(1);
  });

  it('knows equal arguments in another order and with another patience, and no others', () => {
    const { start } = openStore();
    const run = start({ ...keyed, args: { task: 'a', kwargs: { b: [1], c: 2 }, waitSeconds: 1 } });
    expect(start({ ...keyed, args: { waitSeconds: 2, kwargs: { c: 2, b: [1] }, task: 'a' } })).toBe(run);
    const conflict = expect.objectContaining({ code: 'IDEMPOTENCY_CONFLICT' });
    for (const args of [
      { task: 'a' },
      { task: 'a', kwargs: { b: ['1'], c: 2 } },
      { task: 'a', kwargs: { b: [1] } },
    ]) {
      expect(() => start({ ...keyed, args })).toThrow(conflict);
    }
    expect(() =>
      start({ ...keyed, toolName: 'executeParallel', args: { task: 'a', kwargs: { b: [1], c: 2 } } }),
    ).toThrow(conflict);
  });

  it('means another run to another principal', () => {
    const { start } = openStore();
    expect(start({ ...keyed, principal: 'bob' })).not.toBe(start(keyed));
    expect(start({ ...keyed, principal: null })).not.toBe(start(keyed));
  });

  it('is free again when no attempt was made', async () => {
    const { held, start } = openStore();
    const run = start(keyed);
    await held[0]?.end({ wasTried: false });
    expect(start(keyed)).not.toBe(run);
  });

  it('fault C14 keeps a run whose connection was lost alive until its caller had time to call again', async () => {
    const { runs, clock, held, start } = openStore();
    const run = start(keyed);
    const presence = new Presence();
    void runs.answerOf(run, waiting(presence));
    presence.leave('lost', 'gone');
    clock.increment(20_000);
    const again = new Presence();
    const answer = runs.answerOf(start(keyed), waiting(again));
    clock.increment(20_000);
    expect(held[0]?.signal.aborted).toBe(false);
    again.leave('lost', 'gone again');
    await answer;
    clock.increment(29_999);
    expect(held[0]?.signal.aborted).toBe(false);
    clock.increment(1);
    expect(held[0]?.signal.reason).toBe('gone again');
  });

  it('does not keep a run alive that its caller cancelled, unless another waits for it', async () => {
    const { runs, held, start } = openStore();
    const run = start(keyed);
    const [one, two] = [new Presence(), new Presence()];
    void runs.answerOf(run, waiting(one));
    void runs.answerOf(run, waiting(two));
    one.leave('cancelled', 'one');
    expect(held[0]?.signal.aborted).toBe(false);
    two.leave('cancelled', 'two');
    expect(held[0]?.signal.reason).toBe('two');
  });

  it('of arguments that are nested too deep is refused', () => {
    const { start } = openStore();
    let deep: unknown = 1;
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    expect(() => start({ ...keyed, args: { kwargs: { deep } } })).toThrow(/nested too deep/);
  });
});

describe('finished runs', () => {
  it('are kept for their time', async () => {
    const { runs, clock, held, start } = openStore({ keptSeconds: 100 });
    const run = start();
    await runs.answerOf(run, waiting(new Presence(), 0));
    clock.increment(200_000);
    await held[0]?.end();
    clock.increment(99_999);
    expect(runs.get(run.id, null)).toBe(run);
    clock.increment(1);
    expect(runs.get(run.id, null)).toBeUndefined();
    expect(runs.list(null)).toEqual([]);
  });

  it('push out one that was answered before one that somebody may come for', async () => {
    const { runs, held, start } = openStore({ finished: 3, told: 2 });
    const owed = start();
    await runs.answerOf(owed, waiting(new Presence(), 0));
    await held[0]?.end();
    const told = [];
    for (let count = 1; count <= 5; count += 1) {
      const run = start();
      const answer = runs.answerOf(run, waiting());
      await held[count]?.end();
      await answer;
      told.push(run);
    }
    const kept = (run: { id: string }) => runs.get(run.id, null) !== undefined;
    expect(kept(owed)).toBe(true);
    expect(told.map(kept)).toEqual([false, false, false, true, true]);
  });

  it('fault C14 keep one with a key, however many short calls come after it', async () => {
    const { runs, held, start } = openStore({ finished: 10, told: 2 });
    const request = { idempotencyKey: 'k' };
    const run = start(request);
    const answer = runs.answerOf(run, waiting());
    await held[0]?.end();
    await answer;
    for (let count = 1; count <= 20; count += 1) {
      const other = runs.answerOf(start(), waiting());
      await held[count]?.end();
      await other;
    }
    expect(start(request)).toBe(run);
  });

  it('of a principal with many go before those of another', async () => {
    const { runs, held, start } = openStore({ finished: 4 });
    const finish = async (principal: string) => {
      const run = start({ principal });
      await runs.answerOf(run, waiting(new Presence(), 0));
      await held.at(-1)?.end();
      return run;
    };
    const alices = await finish('alice');
    for (let count = 0; count < 10; count += 1) await finish('mallory');
    expect(runs.get(alices.id, 'alice')).toBe(alices);
    expect(runs.list('mallory')).toHaveLength(3);
  });

  it('keep to their bytes', async () => {
    const { runs, held, start } = openStore({ finishedBytes: 10_000 });
    const finish = async (sizeBytes: number) => {
      const run = start();
      await runs.answerOf(run, waiting(new Presence(), 0));
      const structuredContent = { runId: run.id, status: 'completed', result: ['x'.repeat(sizeBytes)] };
      await held.at(-1)?.end({ answer: { text: '', structuredContent, isError: false } });
      return run;
    };
    const [one, two] = [await finish(4000), await finish(4000)];
    expect([one, two].map((run) => runs.get(run.id, null) !== undefined)).toEqual([false, true]);
    const huge = await finish(20_000);
    expect(runs.get(huge.id, null)).toBeUndefined();
  });
});

describe("RunStore.on('change')", () => {
  it('tells start, progress and end; one that throws changes nothing', async () => {
    const { runs, held, start } = openStore();
    const seen: string[] = [];
    const listener = (run: { status: string; progress: { fraction: number } | null }) =>
      void seen.push(`${run.status} ${run.progress?.fraction ?? '-'}`);
    runs.on('change', () => {
      throw new Error('broken');
    });
    runs.on('change', listener);
    start();
    held[0]?.onProgress(0.5, undefined);
    await held[0]?.end();
    runs.off('change', listener);
    start();
    expect(seen).toEqual(['running -', 'running 0.5', 'completed 0.5']);
  });
});

describe('RunStore.close()', () => {
  it('cancels what is under way', () => {
    const { runs, held, start } = openStore();
    start();
    start({ principal: 'alice' });
    runs.close();
    expect(held.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });
});

it('limits that are none are named', () => {
  expect(() => parseRunLimits({ waitSeconds: 51 })).toThrow(/<=50\s+→ at waitSeconds/);
  expect(() => parseRunLimits({ running: 0 })).toThrow(/>=1\s+→ at running/);
});
