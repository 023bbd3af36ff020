import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator, type Orchestrator, type ServiceInput } from '../../src/index.js';
import { Presence } from '../../src/mcp/presence.js';
import { createServerParts } from '../../src/mcp/server-parts.js';
import { findTool } from '../../src/mcp/tools/tool-table.js';
import { drained, manualService } from '../support/simulation.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-runs-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'tasks.journal');
}

/** The files as a process leaves them that is killed now. */
function killedCopy(path: string): string {
  const copy = newPath();
  for (const suffix of ['', '-wal'])
    if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
  return copy;
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await drained();
}

function open(path: string, services: Record<string, ServiceInput>) {
  const orchestrator: Orchestrator = createOrchestrator({
    engine: { kind: 'journal', path },
    services,
    log: silentLog,
    config: { routingConfig: { fallbackService: null } },
  });
  cleanUps.push(() => orchestrator.close({ drainSeconds: 0 }));
  const parts = createServerParts(orchestrator, { log: silentLog, version: '1', clock: systemClock });
  cleanUps.push(() => parts.runs.close());
  const call = async (name: string, args: object, principal: string | null = null) => {
    const tool = findTool(name);
    if (tool === undefined) throw new Error(`no tool ${name}`);
    const answer = await tool.answer(tool.input.parse(args), {
      orchestrator,
      runs: parts.runs,
      principal,
      presence: new Presence(),
    });
    return { ...answer, ...(answer.structuredContent as { runId: string; status: string }) };
  };
  return { orchestrator, call };
}

describe('runs of MCP on an engine that keeps tasks', () => {
  it('getRun answers after the process was killed: the work goes on where it was', async () => {
    const path = newPath();
    const before = manualService();
    const first = open(path, { safe: { service: before, idempotent: true } });
    const { runId, status } = await first.call('execute', { task: 'long', waitSeconds: 0 });
    expect(status).toBe('running');
    await turns();
    expect(before.calls).toHaveLength(1);

    const after = manualService();
    const second = open(killedCopy(path), { safe: { service: after, idempotent: true } });
    await turns();
    expect(after.calls.map(({ context }) => context.attempt)).toEqual([2]);
    expect((await second.call('getRun', { runId, waitSeconds: 0 })).status).toBe('running');
    after.open()[0]?.resolve('done at last');
    const ended = await second.call('getRun', { runId });
    expect(ended.structuredContent).toMatchObject({
      runId,
      status: 'completed',
      result: 'done at last',
      attempts: 2,
    });
  });

  it('the result of a run that had ended is there after a restart, for its principal only', async () => {
    const path = newPath();
    const first = open(path, { echo: (task) => `said ${task}` });
    const { runId } = await first.call('execute', { task: 'hi', idempotencyKey: 'k' }, 'ann');
    await turns();
    await first.orchestrator.close();
    const second = open(path, { echo: () => 'other' });
    expect((await second.call('getRun', { runId }, 'ann')).structuredContent).toMatchObject({
      result: 'said hi',
    });
    await expect(second.call('getRun', { runId }, 'bob')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const again = await second.call('execute', { task: 'hi', idempotencyKey: 'k' }, 'ann');
    expect(again.structuredContent).toMatchObject({ runId, result: 'said hi' });
  });

  it('a batch goes on with what it had not done', async () => {
    const path = newPath();
    const before = manualService();
    const first = open(path, { safe: { service: before, idempotent: true } });
    const { runId } = await first.call('executeParallel', { tasks: ['a', 'b', 'c'], waitSeconds: 0 });
    await turns();
    before.open()[0]?.resolve('a');
    await turns();
    const after = manualService();
    const second = open(killedCopy(path), { safe: { service: after, idempotent: true } });
    await turns();
    expect(after.calls.map(({ task }) => task).sort()).toEqual(['b', 'c']);
    for (const { task, resolve } of after.open()) resolve(task);
    const { structuredContent } = await second.call('getRun', { runId });
    expect(structuredContent).toMatchObject({ status: 'completed', total: 3, succeeded: 3 });
    const results = structuredContent?.results as readonly { readonly result: unknown }[];
    expect(results.map(({ result }) => result)).toEqual(['a', 'b', 'c']);
  });

  it('says what was interrupted', async () => {
    const path = newPath();
    const first = open(path, { unsafe: manualService() });
    const { runId } = await first.call('execute', { task: 'pay', waitSeconds: 0 });
    await turns();
    const second = open(killedCopy(path), { unsafe: manualService() });
    expect((await second.call('getRun', { runId })).structuredContent).toMatchObject({
      status: 'interrupted',
      errorCode: 'INTERRUPTED',
    });
  });

  it('a run that the shutdown left to the next start goes on there', async () => {
    const path = newPath();
    const before = manualService();
    const first = open(path, { one: { service: before, concurrency: 1 } });
    await first.call('execute', { task: 'busy', waitSeconds: 0 });
    await turns();
    const { runId } = await first.call('execute', { task: 'waits', waitSeconds: 0 });
    await first.orchestrator.close({ drainSeconds: 0 });
    await turns();
    const after = manualService();
    const second = open(path, { one: after });
    await turns();
    expect(after.calls.map(({ task }) => task)).toEqual(['waits']);
    after.open()[0]?.resolve('done');
    expect((await second.call('getRun', { runId })).structuredContent).toMatchObject({ result: 'done' });
  });

  it('forgets a run when it is kept no longer', async () => {
    const path = newPath();
    const first = open(path, { echo: (task) => task });
    for (let count = 0; count < 120; count += 1) await first.call('execute', { task: `t${count}` });
    await turns();
    expect(first.orchestrator.shelf('runs')?.entries().length).toBeLessThanOrEqual(101);
  });
});
