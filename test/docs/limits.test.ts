import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/core/errors.js';
import { ExecutionConfig } from '../../src/index.js';

const page = readFileSync(new URL('../../docs/LIMITS-AND-RETRIES.md', import.meta.url), 'utf8');
const { taskConfig } = ExecutionConfig.create();

describe('docs/LIMITS-AND-RETRIES.md', () => {
  it('lists every error code, and whether another attempt can help', () => {
    const listed = [...page.matchAll(/^\| `([A-Z_]+)` \| (yes|no) \|/gm)].map(([, code, again]) => [
      code,
      again,
    ]);
    const codes = Object.entries(ERROR_CODES).map(([code, retryable]) => [code, retryable ? 'yes' : 'no']);
    expect(listed).toEqual(codes);
  });

  it('tells the defaults as they are', () => {
    const listed = [...page.matchAll(/^\| `(\w+)` \| (\d[\d.]*|true) \|$/gm)].map(
      ([, field = '', value = '']) => [field, JSON.parse(value)],
    );
    expect(listed.length).toBeGreaterThan(8);
    expect(taskConfig).toMatchObject(Object.fromEntries(listed));
    expect(page).toContain(
      `| \`maxParallel\` | configuration, \`setMaxParallel()\` | ${taskConfig.maxParallel} |`,
    );
    expect(page).toContain(`| \`mailboxCapacity\` | configuration | ${taskConfig.mailboxCapacity} |`);
    expect(page).toContain(`| ${taskConfig.timeoutSeconds} |`);
  });
});
