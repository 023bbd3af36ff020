import type { Route, RouteCandidate } from '../../core/route.js';
import { createBuiltInOrchestrator, ORCHESTRATOR_FLAGS } from '../built-in-orchestrator.js';
import type { Command } from '../command.js';
import { EXIT, UsageError } from '../exit-code.js';
import { JSON_FLAG, toJsonText } from '../json-output.js';
import { table } from '../table.js';

const BAR_CELLS = 20;

export const routeCommand: Command = {
  name: 'route',
  summary: 'Show where a task would go and why, without doing it',
  synopsis: '"task" [flags]',
  flags: { ...JSON_FLAG, ...ORCHESTRATOR_FLAGS },
  async run(args, { terminal, log }) {
    const [task, ...others] = args.positionals;
    if (task === undefined || others.length > 0)
      throw new UsageError('gaffr route takes one task; put it in quotes.');
    const orchestrator = await createBuiltInOrchestrator(args, log);
    const route = await orchestrator.explain(task);
    await terminal.print(args.isSet('json') ? toJsonText(route) : describe(route, terminal.columns));
    await orchestrator.close({ drainSeconds: 0 });
    return EXIT.success;
  },
};

function describe({ service, outcome, why, ranked }: Route, columns: number): string {
  const decision = `${service ?? 'no service'} (${outcome}): ${why}`;
  if (ranked.length === 0) return decision;
  const rows = ranked.map((candidate) => [
    candidate.service,
    `${bar(candidate.confidence)} ${candidate.confidence.toFixed(2)}`,
    reasonsOf(candidate),
  ]);
  return `${decision}\n\n${table(['service', 'confidence', 'why'], rows, columns)}`;
}

function bar(confidence: number): string {
  const full = Math.round(Math.min(Math.max(confidence, 0), 1) * BAR_CELLS);
  return '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
}

function reasonsOf({ reasons = [], strategy = '' }: RouteCandidate): string {
  const texts = reasons.map((reason) => {
    switch (reason.kind) {
      case 'keyword':
        return `keyword "${reason.keyword}"`;
      case 'term':
        return `term "${reason.term}"`;
      case 'example':
        return `like "${reason.text}"`;
      default:
        return reason.note;
    }
  });
  return texts.length > 0 ? texts.join(', ') : strategy;
}
