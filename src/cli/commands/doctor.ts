import { readFile } from 'node:fs/promises';
import type { HistoryReport } from '../../core/history-event.js';
import { ORCHESTRATOR_FLAGS } from '../built-in-orchestrator.js';
import type { Command } from '../command.js';
import { ConfigurationError, EXIT, UsageError } from '../exit-code.js';
import { JSON_FLAG, toJsonText } from '../json-output.js';

const MOST_SHOWN = 20;

export const doctorCommand: Command = {
  name: 'doctor',
  summary:
    'Warn of what makes routing weak; or judge a history (--history FILE of run and serve) by the promises',
  synopsis: '[FILE] [flags]',
  flags: { ...JSON_FLAG, ...ORCHESTRATOR_FLAGS },
  async run(args, context) {
    const { terminal } = context;
    const [path, ...others] = args.positionals;
    if (others.length > 0) throw new UsageError('gaffr doctor takes one history file, or none.');
    if (path === undefined) {
      await (await import('../doctor/routing-checks.js')).reportOnRouting(args, context);
      return EXIT.success;
    }
    const { checkHistory, parseHistory } = await import('../../core/history.js');
    const text = await readFile(path, 'utf8').catch((cause) => {
      throw new ConfigurationError(`${path} cannot be read: ${cause.message}`, { cause });
    });
    let report: HistoryReport;
    try {
      const { events, limits } = parseHistory(text);
      report = checkHistory(events, limits);
    } catch (cause) {
      if (cause instanceof TypeError) throw new ConfigurationError(`${path}: ${cause.message}`, { cause });
      throw cause;
    }
    await terminal.print(args.isSet('json') ? toJsonText(report) : describe(report));
    return report.violations.length === 0 ? EXIT.success : EXIT.taskFailed;
  },
};

function describe({ events, tasks, violations }: HistoryReport): string {
  const found = violations
    .slice(0, MOST_SHOWN)
    .map(({ invariant, atMs, text }) => `${invariant} at ${atMs.toFixed(1)} ms: ${text}`);
  const more = violations.length > MOST_SHOWN ? [`… and ${violations.length - MOST_SHOWN} more`] : [];
  const verdict = violations.length === 0 ? 'no promise was broken' : `${violations.length} violations`;
  return [...found, ...more, `${events} events of ${tasks} tasks: ${verdict}`].join('\n');
}
