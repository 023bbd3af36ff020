import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildServices } from '../../src/config/build-services.js';
import { followConfig } from '../../src/config/follow-config.js';
import { loadConfig } from '../../src/config/load-config.js';
import { Redactor } from '../../src/core/redactor.js';
import { createOrchestrator } from '../../src/index.js';
import { freshFolder, writeConfig } from './support.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Services that say who they are; `wait` ends when the test says so. */
const MODULE = (name: string) =>
  `data:text/javascript,export default async (task, context) => { if (task === 'wait') await new Promise((end) => globalThis.gaffrEnd = end); return '${name}'; }`;
const tool = (name: string, more: object = {}) => ({ kind: 'module', module: MODULE(name), ...more });
const OFF = { vision: false, responses: false, reasoning: false, chat: false };

async function following(content: object, options: { fixed?: string[] } = {}) {
  const folder = freshFolder();
  const file = writeConfig({ builtins: OFF, ...content }, folder);
  const redactor = new Redactor();
  const loaded = await loadConfig(file, { env: {} });
  const services = await buildServices(loaded, redactor);
  const registered = new Map([...services].map(([name, { settings }]) => [name, settings]));
  const target = createOrchestrator({ services: registered });
  const lines: { level: string; facts: Record<string, unknown>; message: string }[] = [];
  const line = (level: string) => (facts: object, message: string) =>
    void lines.push({ level, facts: { ...facts }, message });
  const log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  const load = () => loadConfig(file, { env: {} });
  const followed = followConfig({
    target,
    loaded,
    services,
    load,
    files: [file],
    fixed: new Set(options.fixed),
    redactor,
    log,
    quietMs: 5,
  });
  closers.push(
    () => followed.close(),
    () => target.close({ drainSeconds: 0 }),
  );
  const write = (changed: object | string): void => {
    const text = typeof changed === 'string' ? changed : JSON.stringify({ builtins: OFF, ...changed });
    // As editors do: a fresh file in place of the old one.
    writeFileSync(join(folder, 'draft'), text, { mode: 0o600 });
    renameSync(join(folder, 'draft'), file);
  };
  const ask = async (service: string) => (await target.execute('who', { service })).result;
  return { target, followed, write, ask, lines, file };
}

describe('followConfig()', () => {
  it('notices that an editor has replaced the file, and swaps, adds and removes services', async () => {
    const { target, write, ask, lines } = await following({ services: { a: tool('one'), b: tool('two') } });
    write({ services: { b: tool('three'), c: tool('four') } });
    await vi.waitFor(() => expect(target.registry.listServices()).toEqual(['b', 'c']));
    expect([await ask('b'), await ask('c')]).toEqual(['three', 'four']);
    expect(lines).toEqual([
      {
        level: 'info',
        facts: { added: ['c'], replaced: ['b'], removed: ['a'], changed: [] },
        message: 'the configuration was applied',
      },
    ]);
  });

  it('lets a running task end on the old service', async () => {
    const { target, write, followed, ask } = await following({ services: { a: tool('old') } });
    const running = target.execute('wait', { service: 'a' });
    await vi.waitFor(() => expect(target.stats().running).toBe(1));
    await vi.waitFor(() => expect(globalThis).toHaveProperty('gaffrEnd'));
    write({ services: { a: tool('fresh') } });
    await followed.reload();
    expect(await ask('a')).toBe('fresh');
    (globalThis as unknown as { gaffrEnd: () => void }).gaffrEnd();
    expect(await running).toMatchObject({ success: true, result: 'old' });
  });

  it('does not touch a service whose options are the same', async () => {
    const { target, write, followed } = await following({ services: { a: tool('one'), b: tool('two') } });
    const before = target.registry.get('a');
    write({ services: { b: tool('two', { keywords: ['k'] }), a: tool('one') } });
    expect(await followed.reload()).toBe('applied');
    expect(target.registry.get('a')).toBe(before);
    expect(target.registry.get('b')?.profile.keywords).toEqual(['k']);
    expect(await followed.reload()).toBe('unchanged');
  });

  it.each([
    ['half-written', '{ "services": {'],
    ['wrong', '{ "services": { "a": { "kind": "modul" } } }'],
    ['impossible', '{ "services": { "a": { "kind": "module", "module": "x", "execPath": "y" } } }'],
  ])('fault P7: a file that is %s changes nothing, and one line says why', async (_case, text) => {
    const { target, write, followed, ask, lines } = await following({ services: { a: tool('one') } });
    write(text);
    expect(await followed.reload()).toBe('kept');
    expect(target.registry.listServices()).toEqual(['a']);
    expect(await ask('a')).toBe('one');
    expect(lines[0]).toMatchObject({ level: 'error' });
    expect(lines[0]?.message).toMatch(
      /^the configuration was not applied; what was in force stays: \S+gaffr\.config\.json/,
    );
    expect(lines[0]?.message).not.toContain('\n');
    write({ services: { a: tool('mended') } });
    await followed.reload();
    expect(await ask('a')).toBe('mended');
  });

  it('fault P7: a file that is gone changes nothing', async () => {
    const { followed, file, ask } = await following({ services: { a: tool('one') } });
    rmSync(file);
    expect(await followed.reload()).toBe('kept');
    expect(await ask('a')).toBe('one');
  });

  it('changes limits in place where that is possible, and names the fields that need a restart', async () => {
    const { target, write, followed, lines } = await following({
      taskConfig: { maxParallel: 2, maxRetries: 1 },
    });
    write({ taskConfig: { maxParallel: 7, maxRetries: 3 }, routingConfig: { confidenceThreshold: 0.7 } });
    expect(await followed.reload()).toBe('applied');
    expect(target.stats().maxParallel).toBe(7);
    const restart = lines.find(({ level }) => level === 'warn');
    expect(restart?.facts.fields).toEqual(
      expect.arrayContaining(['taskConfig.maxRetries', 'routingConfig.confidenceThreshold']),
    );
    expect(restart?.facts.fields).not.toContain('taskConfig.maxParallel');
    write({});
    await followed.reload();
    expect(target.stats().maxParallel).toBe(5);
  });

  it('leaves limits alone that a flag has set', async () => {
    const { target, write, followed } = await following(
      { taskConfig: { maxParallel: 2 } },
      { fixed: ['maxParallel'] },
    );
    write({ taskConfig: { maxParallel: 9 } });
    await followed.reload();
    expect(target.stats().maxParallel).toBe(5);
  });

  it('does nothing after it was closed', async () => {
    const { target, write, followed } = await following({ services: { a: tool('one') } });
    followed.close();
    write({ services: {} });
    expect(await followed.reload()).toBe('kept');
    expect(target.registry.listServices()).toEqual(['a']);
  });
});
