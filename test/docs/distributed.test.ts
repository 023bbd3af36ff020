import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RESTATE_FLAGS } from '../../src/cli/engine-flags.js';
import { engineOptionsSchema } from '../../src/core/engine-config.js';
import { ERROR_CODES } from '../../src/core/errors.js';

const page = readFileSync('docs/DISTRIBUTED.md', 'utf8');
const table = page.slice(page.indexOf('## Options'), page.indexOf('## How it is tested'));

describe('docs/DISTRIBUTED.md', () => {
  it('names every option of the engine, and no other', () => {
    const options = Object.keys(engineOptionsSchema.parse({ kind: 'restate' })).filter(
      (name) => name !== 'kind',
    );
    expect([...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name).sort()).toEqual(options.sort());
  });

  it('names every flag of the engine', () => {
    const flags = [...table.matchAll(/`--([\w-]+)`/g)].map(([, flag]) => flag);
    expect(flags.sort()).toEqual(Object.keys(RESTATE_FLAGS).sort());
  });

  it('tells the defaults as they are', () => {
    expect(engineOptionsSchema.parse({ kind: 'restate' })).toEqual({
      kind: 'restate',
      ingressUrl: 'http://127.0.0.1:8080',
      adminUrl: 'http://127.0.0.1:9070',
      namespace: 'gaffr',
      keepSeconds: 86_400,
      timeoutSeconds: 10,
      watchSeconds: 30,
      maxRecordBytes: 8 * 1024 ** 2,
    });
  });

  it('names only error codes that there are', () => {
    const codes = page.match(/`[A-Z]+_[A-Z_]+`/g)?.map((code) => code.slice(1, -1)) ?? [];
    const ours = codes.filter((code) => !code.startsWith('RESTATE_'));
    expect(ours.filter((code) => !(code in ERROR_CODES))).toEqual([]);
  });
});
