import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { checkEngine } from '../../src/cli/doctor/engine-checks.js';
import { engineSchema } from '../../src/core/engine-config.js';
import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator } from '../../src/index.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-engine-checks-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const check = (engine: object, patienceMs?: number) => checkEngine(engineSchema.parse(engine), patienceMs);
const journalAt = (path: string) => check({ kind: 'journal', path });
const restateAt = (url: string, patienceMs?: number) =>
  check({ kind: 'restate', ingressUrl: url, adminUrl: url }, patienceMs);

async function serverOf(version: string): Promise<string> {
  const features = { vqueues: true, protocol_v7: true };
  const server = createServer((_, response) => response.end(JSON.stringify({ version, features })));
  await new Promise<void>((ready) => void server.listen(0, '127.0.0.1', ready));
  cleanUps.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('checkEngine() finds nothing to say of an engine that needs nothing', async () => {
  expect(await checkEngine(undefined)).toEqual([]);
  expect(await check({ kind: 'local' })).toEqual([]);
});

it('checkEngine() makes no journal, and none of its folders', async () => {
  const folder = freshFolder();
  expect(await journalAt(join(folder, 'state', 'tasks.journal'))).toMatchObject([{ status: 'ok' }]);
  expect(readdirSync(folder)).toEqual([]);
});

it('checkEngine() takes a journal that a process has', async () => {
  const path = join(freshFolder(), 'tasks.journal');
  const orchestrator = createOrchestrator({ engine: { kind: 'journal', path }, log: silentLog });
  cleanUps.push(() => orchestrator.close());
  expect(await journalAt(path)).toMatchObject([{ status: 'ok' }]);
});

it('checkEngine() says why there can be no journal', async () => {
  const folder = freshFolder();
  const list = join(folder, 'list.txt');
  writeFileSync(list, 'milk and bread '.repeat(100));
  const broken = join(folder, 'broken.journal');
  writeFileSync(`${broken}.corrupt`, '');
  for (const [path, text] of [
    [folder, `${folder} cannot be opened: it is a folder`],
    [join(list, 'tasks.journal'), `cannot be opened: ${list} is no folder`],
    [list, `${list} is no journal`],
    [broken, `${broken} is damaged`],
  ] as const) {
    const subject = 'engine journal';
    expect(await journalAt(path)).toMatchObject([
      { subject, status: 'fault', text: expect.stringContaining(text), mend: expect.any(String) },
    ]);
  }
  expect(existsSync(`${list}.corrupt`)).toBe(false);
});

it('checkEngine() asks the admin interface of a Restate server, and does not wait for long', async () => {
  const url = await serverOf('1.7.12');
  expect(await restateAt(url)).toMatchObject([{ status: 'ok', text: `${url} answers` }]);
  expect(await restateAt(await serverOf('1.6.0'))).toMatchObject([
    { status: 'fault', text: expect.stringContaining('has version 1.6.0') },
  ]);
  expect(await restateAt('http://127.0.0.1:9', 10)).toMatchObject([
    { status: 'fault', text: expect.stringContaining('http://127.0.0.1:9 does not answer') },
  ]);
});
