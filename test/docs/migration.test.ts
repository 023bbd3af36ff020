import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as gaffr from '../../src/index.js';

const page = readFileSync(new URL('../../docs/MIGRATION.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `(\w+)` \| `(\w+)` \|/gm)].map(([, original = '', name = '']) => ({
  original,
  name,
}));

it.each(rows)('docs/MIGRATION.md: $original is $name here', async ({ original, name }) => {
  expect(name).toBe(original.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
  const orchestrator = gaffr.createOrchestrator({ services: { chat: (task: string) => task } });
  const { taskConfig, routingConfig } = gaffr.ExecutionConfig.create();
  const result = await orchestrator.execute('hello');
  const homes = [gaffr, orchestrator, taskConfig, routingConfig, result];
  expect(homes.some((home) => name in home)).toBe(true);
  await orchestrator.close();
});

it('docs/MIGRATION.md names the whole of the original design', () => {
  expect(rows.length).toBeGreaterThan(20);
});
