import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createOrchestrator, type OrchestratorEvents } from '../../src/index.js';
import { Orchestrator } from '../../src/orchestrator.js';

const page = readFileSync(new URL('../../docs/EMBEDDING.md', import.meta.url), 'utf8');
const section = page.slice(page.indexOf('## The queue from your own program'));
const rows = [...section.matchAll(/^\| (`.*?`) \|/gm)].map(([, names = '']) => names);
const namesOf = (cells: readonly string[]): string[] =>
  cells.flatMap((cell) => [...cell.matchAll(/`(\w+)/g)].map(([, name]) => name ?? ''));

const EVENTS: Readonly<Record<keyof OrchestratorEvents, true>> = {
  accepted: true,
  add: true,
  active: true,
  next: true,
  completed: true,
  error: true,
  empty: true,
  idle: true,
  rateLimit: true,
  rateLimitCleared: true,
  event: true,
};

describe('docs/EMBEDDING.md', () => {
  it('names every event of an orchestrator, and else only what an orchestrator has', async () => {
    const orchestrator = createOrchestrator({ services: { echo: (task: string) => task } });
    const names = namesOf(rows);
    expect(Object.keys(EVENTS).filter((event) => !names.includes(event))).toEqual([]);
    expect(names.filter((name) => !(name in EVENTS || name in orchestrator))).toEqual([]);
    await orchestrator.close();
  });

  it('names every member that is waited for, looked at or set', () => {
    const members = Object.getOwnPropertyNames(Orchestrator.prototype);
    const named = namesOf(rows);
    expect(members.filter((name) => /^(on|is|set)[A-Z]/.test(name) && !named.includes(name))).toEqual([]);
  });
});
