import { symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { permissionLine } from '../../src/config/trust.js';
import { load } from './support.js';

describe('the engine of a configuration file', () => {
  it('has the defaults of the journal, and its path from the folder of the file', async () => {
    const { config, file, permissions } = await load({
      engine: { kind: 'journal', path: 'state/tasks.journal' },
    });
    expect(config.engine).toMatchObject({ synchronous: 'full', keepSeconds: 3600, mostCrashes: 3 });
    expect(config.engine).toMatchObject({ path: join(file, '..', 'state', 'tasks.journal') });
    expect(permissions).toEqual([]);
  });

  it('may be local, and is nothing by default', async () => {
    expect((await load({ engine: { kind: 'local' } })).config.engine).toEqual({ kind: 'local' });
    expect((await load({})).config.engine).toBeUndefined();
  });

  it('asks for the word of its user when tasks are written elsewhere', async () => {
    const path = join(tmpdir(), 'elsewhere.journal');
    const { permissions } = await load({ engine: { kind: 'journal', path } });
    expect(permissions).toHaveLength(1);
    expect(permissionLine(permissions[0] as (typeof permissions)[0])).toMatch(
      /^ {2}write tasks and results to .*elsewhere\.journal {2}\(engine\)$/,
    );
  });

  it('asks as well when a link leads elsewhere', async () => {
    const first = await load({});
    const folder = join(first.file, '..');
    symlinkSync(tmpdir(), join(folder, 'link'));
    const { enginePermissions } = await import('../../src/config/permissions.js');
    const engine = { kind: 'journal', path: 'link/tasks.journal' } as never;
    expect(enginePermissions(engine, folder)).toHaveLength(1);
  });

  it('asks for the word of its user when tasks are handed to another machine', async () => {
    const restate = { kind: 'restate', namespace: 'desk' };
    expect((await load({ engine: restate })).permissions).toEqual([]);
    const here = { ...restate, ingressUrl: 'http://127.0.0.1:8080' };
    expect((await load({ engine: here })).permissions).toEqual([]);
    const there = { ...restate, ingressUrl: 'https://restate.example:8080' };
    const { permissions } = await load({ engine: there });
    expect(permissions.map(permissionLine)).toEqual([
      expect.stringMatching(/^ {2}talk to https:\/\/restate\.example:8080 {2}\(engine\)$/),
    ]);
  });

  it('tells a key that it does not know, and a kind that there is not', async () => {
    await expect(load({ engine: { kind: 'journal', path: 'x', keep: 1 } })).rejects.toThrow('engine');
    await expect(load({ engine: { kind: 'journl', path: 'x' } })).rejects.toThrow('engine');
  });
});
