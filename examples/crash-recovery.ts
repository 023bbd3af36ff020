// A process with a journal is killed in the middle of its work. The next one has every task that was accepted: what waited
// runs, what was under way and may be repeated runs again, and what must not be repeated is told as interrupted.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createOrchestrator, ExecutionConfig } from 'gaffr';

/** Two at a time; the first process is killed long before a task ends, the second works at once. */
function open(journal: string, workMs: number) {
  const work = async (task: string): Promise<string> => {
    await sleep(workMs);
    return `did ${task}`;
  };
  return createOrchestrator({
    engine: { kind: 'journal', path: journal },
    services: {
      report: { service: work, idempotent: true },
      payment: { service: work, idempotent: false },
    },
    config: ExecutionConfig.create({ maxParallel: 2, fallbackService: null }),
  });
}

const [mode, journal = ''] = process.argv.slice(2);
if (mode === 'first') await workUntilKilled();
else await killAndRecover();

/** The first process: accepts four tasks, says so, and never ends by itself. */
async function workUntilKilled(): Promise<void> {
  const orchestrator = open(journal, 60_000);
  for (const [taskId, service] of Object.entries({
    'report-1': 'report',
    'payment-1': 'payment',
    'report-2': 'report',
    'payment-2': 'payment',
  })) {
    await orchestrator.submit(taskId, { taskId, service }).accepted();
  }
  while (orchestrator.stats().running < 2) await sleep(10);
  await sleep(50);
  console.log('accepted');
}

async function killAndRecover(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-crash-'));
  const file = join(folder, 'tasks.journal');
  const args = [...process.execArgv, fileURLToPath(import.meta.url), 'first', file];
  const first = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: first.stdout })) if (line === 'accepted') break;
  first.kill('SIGKILL');
  await new Promise((resolve) => first.once('exit', resolve));

  const second = open(file, 10);
  await sleep(0);
  await second.onIdle();
  const ends = Object.fromEntries((second.kept?.list() ?? []).map(({ taskId, status }) => [taskId, status]));
  for (const [taskId, status] of Object.entries(ends).sort()) console.log(taskId, status);
  assert.deepEqual(ends, {
    'report-1': 'completed',
    'payment-1': 'interrupted',
    'report-2': 'completed',
    'payment-2': 'completed',
  });

  // Somebody has looked, and the payment had not gone out.
  assert.equal(await second.kept?.retry('payment-1'), true);
  console.log('payment-1', (await second.kept?.result('payment-1'))?.status);
  await second.close();
  rmSync(folder, { recursive: true });
}
