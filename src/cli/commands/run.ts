import type { OrchestratorPort } from '../../core/orchestrator-port.js';
import type { TaskResult } from '../../core/result.js';
import { logTasks } from '../../inspect/task-log.js';
import type { Command } from '../command.js';
import { drain } from '../drain.js';
import { ENGINE_FLAGS } from '../engine-flags.js';
import { EXIT, UsageError } from '../exit-code.js';
import type { Arguments } from '../flags.js';
import { FLIGHT_RECORDER_FLAGS, recordFlight } from '../flight-recorder-file.js';
import { HISTORY_FLAG, recordHistory } from '../history-file.js';
import { JSON_FLAG, toJsonText } from '../json-output.js';
import { ORCHESTRATOR_FLAGS } from '../orchestrator-flags.js';
import { tasksOf } from '../positionals.js';
import { createProgressView } from '../progress-view.js';
import { resultText } from '../result-text.js';
import { checkLogLevel, LOG_FLAGS } from '../stderr-log.js';
import { listenForStop } from '../stop-signals.js';
import { openTaskDoor } from '../tasks/open-desk.js';
import type { Terminal } from '../terminal.js';

export const runCommand: Command = {
  name: 'run',
  summary: 'Run one task, or several in parallel, and print the results',
  synopsis: '"task" … [flags]',
  flags: {
    service: { type: 'string', value: 'NAME', help: 'Service for the tasks (default: the router chooses)' },
    kwargs: { type: 'string', value: 'JSON', help: 'Arguments for the service, a JSON object' },
    ...JSON_FLAG,
    ...LOG_FLAGS,
    ...HISTORY_FLAG,
    ...FLIGHT_RECORDER_FLAGS,
    ...ENGINE_FLAGS,
    ...ORCHESTRATOR_FLAGS,
  },
  async run(args, { terminal, log }) {
    const tasks = tasksOf(args, 'run');
    if (tasks.length === 0) throw new UsageError('gaffr run takes at least one task; put each in quotes.');
    checkLogLevel(args);
    const options = taskOptionsOf(args);
    const { openOrchestrator } = await import('../built-in-orchestrator.js');
    const { orchestrator, engine } = await openOrchestrator(args, log, { acceptsTasks: true });
    const history = recordHistory(orchestrator, args, log);
    const stopRecording = recordFlight(orchestrator, args, log);
    if (args.text('log-level') !== undefined) logTasks(orchestrator, log);
    const stop = listenForStop();
    void stop.first.then(() => drain(orchestrator, terminal));
    // After the recorders, which must see what a journal brings back.
    const door = await openTaskDoor(orchestrator, engine, log);
    await history.opened;
    const results = await runTasks(orchestrator, tasks, options, terminal);
    await printResults(tasks, results, args.isSet('json'), terminal);
    await orchestrator.close();
    await history.close();
    stopRecording();
    door.close();
    stop.dispose();
    return results.every(({ success }) => success) ? EXIT.success : EXIT.taskFailed;
  },
};

interface RunOptions {
  readonly service?: string;
  readonly kwargs?: Record<string, unknown>;
}

function taskOptionsOf(args: Arguments): RunOptions {
  const service = args.text('service');
  const kwargs = args.text('kwargs');
  if (service === '') throw new UsageError('--service must be the name of a service, not "".');
  return {
    ...(service !== undefined && { service }),
    ...(kwargs !== undefined && { kwargs: parseKwargs(kwargs) }),
  };
}

function parseKwargs(text: string): Record<string, unknown> {
  let kwargs: unknown;
  try {
    kwargs = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(
      `--kwargs must be a JSON object: ${cause instanceof Error ? cause.message : 'not JSON'}.`,
    );
  }
  if (typeof kwargs !== 'object' || kwargs === null || Array.isArray(kwargs)) {
    throw new UsageError(`--kwargs must be a JSON object such as '{"pages":[1]}', not ${text}.`);
  }
  return kwargs as Record<string, unknown>;
}

async function runTasks(
  orchestrator: OrchestratorPort,
  tasks: readonly string[],
  options: RunOptions,
  terminal: Terminal,
): Promise<TaskResult[]> {
  const [only, ...others] = tasks;
  const view = createProgressView(terminal, tasks.length);
  try {
    return only !== undefined && others.length === 0
      ? [await orchestrator.execute(only, { ...options, onProgress: view.report })]
      : await orchestrator.executeParallel(tasks, { ...options, onProgress: view.report });
  } finally {
    view.end();
  }
}

async function printResults(
  tasks: readonly string[],
  results: readonly TaskResult[],
  isJson: boolean,
  terminal: Terminal,
): Promise<void> {
  const [only, ...others] = results;
  if (isJson) {
    const { toWireResults } = await import('../../mcp/wire-result.js');
    const wire = toWireResults(results, Number.POSITIVE_INFINITY);
    await terminal.print(toJsonText(others.length === 0 ? wire[0] : wire));
  } else if (only !== undefined && others.length === 0) {
    if (only.success) await terminal.print(resultText(only.result));
    terminal.tell(verdict(only));
  } else {
    const blocks = results.map((result, index) => {
      const text = result.success ? resultText(result.result) : verdict(result);
      return `${terminal.bold(`[${index + 1}] ${tasks[index]}`)}\n${text}`;
    });
    await terminal.print(blocks.join('\n\n'));
    const succeeded = results.filter(({ success }) => success).length;
    terminal.tell(`${succeeded} of ${results.length} tasks succeeded.`);
  }
}

function verdict({
  success,
  status,
  errorCode,
  error,
  serviceName,
  executionTime,
  route,
}: TaskResult): string {
  const by = `${serviceName ?? 'no service'}, ${executionTime.toFixed(2)} s${route === null ? '' : `, ${route.why}`}`;
  return success ? `(${by})` : `${status} ${errorCode ?? ''}: ${error ?? 'no message'} (${by})`;
}
