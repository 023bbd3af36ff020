import type { Command } from '../command.js';
import type { DemoOutcome, DemoReport } from '../demo/demo.js';
import type { Verdict } from '../demo/judge.js';
import { EXIT } from '../exit-code.js';
import { JSON_FLAG, toJsonText } from '../json-output.js';
import { refuseWords } from '../positionals.js';
import { createProgressView } from '../progress-view.js';
import { resultText } from '../result-text.js';
import { table } from '../table.js';

const HEAD = ['', 'task', 'service', 'why', 'time', 'result'];
/** Widest each column may be, in characters; the last one takes what is left. */
const WIDEST = [1, 36, 9, 22, 7];

export const demoCommand: Command = {
  name: 'demo',
  summary: 'Send a dozen tasks over real files through the real MCP server, offline',
  synopsis: '[flags]',
  flags: JSON_FLAG,
  async run(args, { terminal, version }) {
    refuseWords(args, 'demo');
    const { runDemo } = await import('../demo/demo.js');
    const view = createProgressView(terminal, 1);
    const report = await runDemo({ version, onProgress: view.report }).finally(() => view.end());
    const isRight = count(report, 'wrong') === 0;
    await terminal.print(
      args.isSet('json') ? toJsonText(toJson(report)) : describeReport(report, terminal.columns),
    );
    return isRight ? EXIT.success : EXIT.taskFailed;
  },
};

/** The report for people: one line for each task, cut to the width, and a summary. */
export function describeReport(report: DemoReport, columns: number): string {
  return `${table(HEAD, report.outcomes.map(rowOf), columns, WIDEST)}\n\n${summaryOf(report)}`;
}

const MARKS: Readonly<Record<Verdict, string>> = {
  answered: '✓',
  'needs a provider': '○',
  refused: '✓',
  wrong: '✗',
};

function rowOf({ task, result, verdict }: DemoOutcome): string[] {
  const { serviceName, route, executionTime, success, errorCode, error } = result;
  return [
    MARKS[verdict],
    task.task,
    serviceName ?? '-',
    route?.why ?? '-',
    `${executionTime.toFixed(2)} s`,
    success ? resultText(result.result) : `${errorCode}: ${error}`,
  ];
}

function summaryOf(report: DemoReport): string {
  const { protocolVersion, tools, outcomes, seconds } = report;
  const lines = [
    `${count(report, 'answered')} of ${outcomes.length} tasks answered, ${count(report, 'needs a provider')} said honestly that they need a model or a provider, ${count(report, 'refused')} refused to leave the folder; ${seconds.toFixed(1)} s through MCP ${protocolVersion} and ${tools.length} tools.`,
  ];
  const wrong = outcomes.filter(({ verdict }) => verdict === 'wrong');
  for (const { task } of wrong)
    lines.push(`Wrong: ${task.task} (expected ${JSON.stringify(task.expected)} of ${task.service})`);
  return lines.join('\n');
}

function toJson(report: DemoReport) {
  const { protocolVersion, tools, outcomes, seconds } = report;
  return {
    protocolVersion,
    tools,
    seconds,
    total: outcomes.length,
    answered: count(report, 'answered'),
    needProvider: count(report, 'needs a provider'),
    refused: count(report, 'refused'),
    wrong: count(report, 'wrong'),
    results: outcomes.map(({ task, verdict, result }) => ({ task: task.task, verdict, ...result })),
  };
}

function count({ outcomes }: DemoReport, verdict: Verdict): number {
  return outcomes.filter((outcome) => outcome.verdict === verdict).length;
}
