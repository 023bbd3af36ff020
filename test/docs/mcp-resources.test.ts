import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PROMPTS } from '../../src/mcp/prompts/prompt-table.js';
import { listTemplates } from '../../src/mcp/resources/list-resources.js';
import { SERVICES_URI, STATS_URI } from '../../src/mcp/resources/resource-uri.js';
import { MAX_SUBSCRIBED } from '../../src/mcp/resources/subscriptions.js';
import { fakeOrchestrator } from '../support/fake-orchestrator.js';

const page = readFileSync('docs/MCP-RESOURCES.md', 'utf8');

it('docs/MCP-RESOURCES.md lists every resource, prompt and limit', () => {
  const orchestrator = fakeOrchestrator({ machines: () => [] });
  const runs = { get: () => undefined, watch: () => () => {} };
  const templates = listTemplates({ orchestrator, runs }).map(({ uriTemplate }) => uriTemplate);
  const listed = [...page.matchAll(/^\| `(gaffr:[^`]+)` \|/gm)].map(([, uri]) => uri);
  expect(listed.sort()).toEqual([SERVICES_URI, STATS_URI, ...templates].sort());
  for (const { name, arguments: args } of PROMPTS) {
    expect(page).toContain(`| \`${name}\` | \`${args.map((each) => each.name).join(', ')}\` |`);
  }
  expect(page).toContain(`At most ${MAX_SUBSCRIBED} addresses`);
});
