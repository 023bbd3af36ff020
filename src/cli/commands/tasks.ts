import type { TaskDetail, TaskSummary } from '../../core/engine.js';
import type { Command } from '../command.js';
import { CONFIG_FLAG, findConfigFile, readConfigFile } from '../config-file.js';
import { engineOf, JOURNAL_FLAG } from '../engine-flags.js';
import { EXIT, type ExitCode, UsageError } from '../exit-code.js';
import type { Arguments } from '../flags.js';
import { JSON_FLAG, toJsonText } from '../json-output.js';
import { resultText } from '../result-text.js';
import { table } from '../table.js';
import { openDesk } from '../tasks/open-desk.js';
import { MOST_ID_CHARS, MOST_REASON_CHARS, TASK_STATES, type TaskDesk } from '../tasks/task-desk.js';
import type { Terminal } from '../terminal.js';

const ACTIONS = 'list, show ID, cancel ID or retry ID';

export const tasksCommand: Command = {
  name: 'tasks',
  summary: 'List the tasks of a journal, look at one, cancel it or try it again',
  synopsis: `[${ACTIONS.replaceAll(', ', '|').replace(' or ', '|')}] [flags]`,
  flags: {
    ...JOURNAL_FLAG,
    which: {
      type: 'string',
      value: 'STATE',
      help: `Only those: ${TASK_STATES.join(', ')} (dead: failed for good)`,
    },
    most: { type: 'string', value: 'COUNT', help: 'Most lines, the latest of them (default: 1000)' },
    reason: { type: 'string', value: 'TEXT', help: 'Why a task is cancelled' },
    ...JSON_FLAG,
    ...CONFIG_FLAG,
  },
  async run(args, { terminal }) {
    const [action = 'list', ...ids] = args.positionals;
    const which = TASK_STATES.find((state) => state === args.text('which'));
    if (args.text('which') !== undefined && which === undefined) {
      throw new UsageError(`--which must be one of ${TASK_STATES.join(', ')}, not "${args.text('which')}".`);
    }
    const most = args.number('most', { least: 1, isWhole: true });
    // An empty one is none.
    const reason = args.text('reason')?.trim() || undefined;
    checkAction(action, ids);
    checkLengths(ids, reason);
    const desk = await openDesk(await journalOf(args));
    try {
      if (action === 'list') {
        const tasks = await desk.list({ which, most });
        await terminal.print(args.isSet('json') ? toJsonText(tasks) : listText(tasks, terminal.columns));
        return EXIT.success;
      }
      if (action === 'show') return await show(desk, ids[0] as string, args, terminal);
      return await steer(desk, action, { ids, reason, isJson: args.isSet('json'), terminal });
    } finally {
      desk.close();
    }
  },
};

function checkAction(action: string, ids: readonly string[]): void {
  switch (action) {
    case 'list':
      if (ids.length > 0) throw new UsageError('gaffr tasks list takes no id.');
      return;
    case 'show':
      if (ids.length !== 1) throw new UsageError('gaffr tasks show takes the id of one task.');
      return;
    case 'cancel':
    case 'retry':
      if (ids.length === 0) throw new UsageError(`gaffr tasks ${action} takes the id of a task, or several.`);
      return;
    default:
      throw new UsageError(`gaffr tasks takes ${ACTIONS}, not "${action}".`);
  }
}

function checkLengths(ids: readonly string[], reason = ''): void {
  const odd = ids.find((id) => id === '' || id.length > MOST_ID_CHARS);
  if (odd !== undefined) {
    throw new UsageError(`The id of a task has 1 to ${MOST_ID_CHARS} characters, not ${odd.length}.`);
  }
  if (reason.length > MOST_REASON_CHARS) {
    throw new UsageError(`--reason takes at most ${MOST_REASON_CHARS} characters, not ${reason.length}.`);
  }
}

async function journalOf(args: Arguments) {
  const found = await findConfigFile(args);
  // Only its place is wanted: nothing of the file is run, so it need not be trusted.
  const config = found === null ? undefined : (await readConfigFile(found.file)).config;
  const engine = engineOf(args, { engine: config?.engine });
  if (engine?.kind === 'journal') return engine;
  throw new UsageError('No journal is named; give --journal FILE, or "engine" in gaffr.config.json.');
}

async function show(desk: TaskDesk, id: string, args: Arguments, terminal: Terminal): Promise<ExitCode> {
  const task = await desk.find(id);
  if (task === undefined) {
    terminal.tell(`No task "${id}" is kept.`);
    if (args.isSet('json')) await terminal.print(toJsonText(null));
    return EXIT.taskFailed;
  }
  await terminal.print(args.isSet('json') ? toJsonText(task) : detailText(task));
  return EXIT.success;
}

interface Steering {
  readonly ids: readonly string[];
  readonly reason: string | undefined;
  readonly isJson: boolean;
  readonly terminal: Terminal;
}

async function steer(
  desk: TaskDesk,
  action: string,
  { ids, reason, isJson, terminal }: Steering,
): Promise<ExitCode> {
  const isCancel = action === 'cancel';
  const refusal = isCancel ? 'no open task has this id' : 'no task of this id ended without success';
  const ends: { readonly taskId: string; readonly isDone: boolean }[] = [];
  for (const taskId of ids) {
    const isDone = isCancel
      ? await desk.cancel(taskId, reason ?? 'cancelled by gaffr tasks')
      : await desk.retry(taskId);
    terminal.tell(`${taskId}: ${isDone ? (isCancel ? 'cancelled' : 'accepted again') : refusal}`);
    ends.push({ taskId, isDone });
  }
  if (isJson) await terminal.print(toJsonText(ends));
  return ends.every(({ isDone }) => isDone) ? EXIT.success : EXIT.taskFailed;
}

function listText(tasks: readonly TaskSummary[], columns: number): string {
  if (tasks.length === 0) return 'No such tasks are kept.';
  const rows = tasks.map(({ taskId, status, serviceName, attempts, acceptedAt, errorCode }) => [
    taskId,
    status,
    serviceName ?? '',
    String(attempts),
    acceptedAt,
    errorCode ?? '',
  ]);
  return table(['task', 'status', 'service', 'attempts', 'accepted', 'error'], rows, columns);
}

function detailText(task: TaskDetail): string {
  const { taskId, status, serviceName, attempts, acceptedAt, endedAt, result, kwargs } = task;
  const end = endedAt === null ? '' : `, ended ${endedAt}`;
  const lines = [
    `${taskId}: ${status}${serviceName === null ? '' : `, by ${serviceName}`}, ${attempts} attempts, accepted ${acceptedAt}${end}`,
    task.task,
    ...(kwargs === null ? [] : [`kwargs: ${JSON.stringify(kwargs)}`]),
    ...(result?.error ? [`${result.errorCode}: ${result.error}`] : []),
    ...(result?.success ? [resultText(result.result)] : []),
  ];
  return lines.join('\n');
}
