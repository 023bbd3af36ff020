import { expect, it } from 'vitest';
import { ORCHESTRATOR_FLAGS } from '../../src/cli/built-in-orchestrator.js';
import { checkRouting } from '../../src/cli/doctor/routing-checks.js';
import { parseFlags } from '../../src/cli/flags.js';
import { wrapToWidth } from '../../src/cli/wrap.js';
import { silentLog } from '../../src/core/environment.js';

it('checkRouting() warns of each weakness with what to do about it', async () => {
  const checks = await checkRouting(parseFlags(['--no-config'], ORCHESTRATOR_FLAGS), { log: silentLog });
  expect(checks.length).toBeGreaterThan(0);
  for (const { subject, status, mend } of checks) {
    expect(subject).toBe('routing');
    expect(status).toBe('warning');
    expect(mend).not.toBe('');
  }
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
