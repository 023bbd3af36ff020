import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fault } from '../../src/cli/doctor/check.js';
import { checkRouting } from '../../src/cli/doctor/routing-checks.js';
import { parseFlags } from '../../src/cli/flags.js';
import { ORCHESTRATOR_FLAGS } from '../../src/cli/orchestrator-flags.js';
import { wrapToWidth } from '../../src/cli/wrap.js';
import { silentLog } from '../../src/core/environment.js';

const NOTHING_SAID = `{
  "builtins": { "vision": false, "responses": false, "reasoning": false, "chat": false },
  "services": {
    "left": { "kind": "http", "url": "http://127.0.0.1:1/", "description": "Works on the papers of the house." },
    "right": { "kind": "http", "url": "http://127.0.0.1:1/", "description": "Works on the papers of the house." }
  },
  "routingConfig": { "fallbackService": null }
}`;

it('checkRouting() warns of what is weak, with what to do about it', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'gaffr-routing-')), 'gaffr.config.json');
  writeFileSync(file, NOTHING_SAID);
  const checks = await checkRouting(
    parseFlags(['--config', file], ORCHESTRATOR_FLAGS),
    { log: silentLog },
    [],
  );
  expect(checks.length).toBeGreaterThan(0);
  for (const { subject, status, mend } of checks) {
    expect(subject).toBe('routing');
    expect(status).toBe('warning');
    expect(mend).toMatch(/\w/);
  }
});

it('checkRouting() tells of a configuration that cannot be used, unless another check does', async () => {
  const args = parseFlags(['--config', 'no-such-file.json'], ORCHESTRATOR_FLAGS);
  const told = fault('configuration', 'there is no such file', 'write one');
  expect(await checkRouting(args, { log: silentLog }, [told])).toEqual([]);
  expect(await checkRouting(args, { log: silentLog }, [])).toMatchObject([
    { status: 'fault', text: expect.stringContaining('there is no such file') },
  ]);
});

it.each([
  ['a bc def', 4, ['a bc', 'def']],
  ['abcdefgh i', 3, ['abc', 'def', 'gh', 'i']],
  ['', 3, ['']],
  ['ab', 0, ['a', 'b']],
  ['😀😀😀 😀', 2, ['😀😀', '😀', '😀']],
])('wrapToWidth() breaks %j at %d', (text, columns, lines) => {
  expect(wrapToWidth(text, columns)).toEqual(lines);
});
