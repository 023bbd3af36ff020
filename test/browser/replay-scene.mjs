/** A recorded run of the scene, shown by the command that people type. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createFlightRecorder } from '../../dist/inspect/telemetry.js';
import { openScene, TOKEN, textsOf } from './scene.mjs';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/**
 * Runs 160 tasks, in the middle of which a service breaks and is mended, and starts `gaffr replay` with what was recorded;
 * its last line is torn off.
 */
export async function openReplay() {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-replay-'));
  const file = join(folder, 'flight.ndjson');
  const tokenFile = join(folder, 'token');
  writeFileSync(file, await record());
  writeFileSync(tokenFile, TOKEN.padEnd(40, 'x'), { mode: 0o600 });
  const argv = [main, 'replay', file, '--port', '0', '--token-file', tokenFile];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'inherit', 'pipe'] });
  // A check that failed closes nothing.
  process.once('exit', () => child.kill('SIGKILL'));
  const said = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    if (line.startsWith('replay: ')) break;
  }
  const [url] = /http:\S+/.exec(said.at(-1) ?? '') ?? [];
  if (url === undefined) throw new Error(`gaffr replay says no address: ${said.join('\n')}`);
  return {
    said,
    dashboard: { url, urlWithToken: `${url}/#token=${TOKEN.padEnd(40, 'x')}` },
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const code = await ended;
      rmSync(folder, { recursive: true });
      return code;
    },
  };
}

async function record() {
  const scene = await openScene();
  const recorder = createFlightRecorder(scene.orchestrator, { keepEvents: 100_000 });
  const isOpen = new Promise((resolve) => {
    scene.orchestrator.on('event', ({ type, state }) => type === 'circuit' && state === 'open' && resolve());
  });
  scene.isBroken = true;
  const results = scene.orchestrator.executeParallel(textsOf(160));
  await isOpen;
  await new Promise((resolve) => setTimeout(resolve, 500));
  scene.isBroken = false;
  scene.orchestrator.resetCircuit('responses');
  await results;
  // Among the latest tasks is one that fails, and fails again.
  scene.isBroken = true;
  await scene.orchestrator.execute('Search in vain', { service: 'responses', maxRetries: 1 });
  const text = recorder.toNdjson();
  await scene.close();
  return text.slice(0, -30);
}
