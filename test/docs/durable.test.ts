import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { engineOptionsSchema, engineSchema } from '../../src/core/engine-config.js';
import { ERROR_CODES } from '../../src/core/errors.js';

const page = readFileSync('docs/DURABLE.md', 'utf8');

describe('docs/DURABLE.md', () => {
  it('names every option of the journal, and no other', () => {
    const options = Object.keys(engineSchema.parse({ kind: 'journal', path: 'x' })).filter(
      (name) => name !== 'kind',
    );
    const table = page.slice(page.indexOf('## Options'), page.indexOf('## Figures'));
    const rows = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell]) => cell?.match(/\w+/g) ?? []);
    expect(rows.sort()).toEqual(options.sort());
  });

  it('tells the defaults as they are', () => {
    expect(engineOptionsSchema.parse({ kind: 'journal', path: 'x' })).toMatchObject({
      synchronous: 'full',
      keepSeconds: 3600,
      keepTasks: 10_000,
      keepFailedSeconds: 7 * 24 * 3600,
      keepFailedTasks: 10_000,
      maxBytes: 4 * 1024 ** 3,
      maxRecordBytes: 16 * 1024 ** 2,
      mostCrashes: 3,
      repair: false,
    });
  });

  it('names only error codes that there are', () => {
    const codes = page.match(/`[A-Z]+_[A-Z_]+`/g)?.map((code) => code.slice(1, -1)) ?? [];
    expect(codes.length).toBeGreaterThan(5);
    expect(codes.filter((code) => !(code in ERROR_CODES))).toEqual([]);
  });
});
