import { readFile } from 'node:fs/promises';
import type { HistoryReport } from '../../core/history-event.js';
import type { Command } from '../command.js';
import { findConfigFile } from '../config-file.js';
import type { Check } from '../doctor/check.js';
import { ConfigurationError, EXIT, type ExitCode, UsageError } from '../exit-code.js';
import { JSON_FLAG, toJsonText } from '../json-output.js';
import { ORCHESTRATOR_FLAGS } from '../orchestrator-flags.js';

const MOST_SHOWN = 20;

export const doctorCommand: Command = {
  name: 'doctor',
  summary:
    'Check the installation, the configuration, the routing and all they need; or judge a history that run or serve has written',
  synopsis: '[FILE] [flags]',
  flags: { ...JSON_FLAG, ...ORCHESTRATOR_FLAGS },
  async run(args, context) {
    const { terminal, version } = context;
    const [path, ...others] = args.positionals;
    if (others.length > 0) throw new UsageError('gaffr doctor takes one history file, or none.');
    if (path === undefined) {
      const { diagnose } = await import('../doctor/diagnose.js');
      const { checkRouting } = await import('../doctor/routing-checks.js');
      const found = await diagnose({ version, found: await findConfigFile(args), env: process.env });
      const checks = [...found, ...(await checkRouting(args, context, found))];
      await terminal.print(args.isSet('json') ? toJsonText(checks) : describeChecks(checks));
      return codeOf(checks);
    }
    const { checkHistory, parseHistory } = await import('../../core/history.js');
    const text = await readFile(path, 'utf8').catch((cause) => {
      throw new ConfigurationError(`${path} cannot be read: ${cause.message}`, { cause });
    });
    let report: HistoryReport & { readonly isTorn: boolean };
    try {
      const { events, limits, cut, isTorn } = parseHistory(text);
      if (events.length === 0) {
        throw new ConfigurationError(
          `${path} holds no fact of any task; gaffr run, serve and dashboard write a history with --history FILE.`,
        );
      }
      report = { ...checkHistory(events, limits, cut), isTorn };
    } catch (cause) {
      if (cause instanceof TypeError) throw new ConfigurationError(`${path}: ${cause.message}`, { cause });
      throw cause;
    }
    await terminal.print(args.isSet('json') ? toJsonText(report) : describe(report));
    return report.violations.length === 0 ? EXIT.success : EXIT.taskFailed;
  },
};

const MARKS: Readonly<Record<Check['status'], string>> = { ok: '✓', warning: '!', fault: '✗' };

function describeChecks(checks: readonly Check[]): string {
  const lines = checks.flatMap(({ subject, status, text, mend }) => [
    `${MARKS[status]} ${subject}: ${text}`,
    ...(mend === null ? [] : [`    ${mend}`]),
  ]);
  const count = (status: Check['status']): number => checks.filter((each) => each.status === status).length;
  return [...lines, `${count('ok')} fine, ${count('warning')} warnings, ${count('fault')} faults`].join('\n');
}

function codeOf(checks: readonly Check[]): ExitCode {
  return checks.some(({ status }) => status === 'fault') ? EXIT.configuration : EXIT.success;
}

function describe({
  events,
  tasks,
  violations,
  dropped,
  isTorn,
}: HistoryReport & { readonly isTorn: boolean }): string {
  const found = violations
    .slice(0, MOST_SHOWN)
    .map(({ invariant, atMs, text }) => `${invariant} at ${atMs.toFixed(1)} ms: ${text}`);
  const more = violations.length > MOST_SHOWN ? [`… and ${violations.length - MOST_SHOWN} more`] : [];
  const verdict = violations.length === 0 ? 'no promise was broken' : `${violations.length} violations`;
  const notes = [
    ...(dropped > 0 ? [`${dropped} events before them were not kept, and are not judged`] : []),
    ...(isTorn ? ['the last line was not written to its end, and is left out'] : []),
  ];
  return [...found, ...more, [`${events} events of ${tasks} tasks: ${verdict}`, ...notes].join('; ')].join(
    '\n',
  );
}
