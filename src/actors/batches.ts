import { parseOrMisuse } from '../core/config.js';
import { misuse } from '../core/errors.js';
import type { TaskResult } from '../core/result.js';
import { type PlannedSubtask, planSubtasks } from '../core/subtasks.js';
import {
  type BatchOptions,
  batchItemSchema,
  batchOptionsSchema,
  type Subtask,
  type SubtasksOptions,
  subtaskSchema,
  subtasksOptionsSchema,
  type TaskInput,
  type TaskOptions,
} from '../core/task.js';
import { type Intake, type Prepared, requireText } from './intake.js';

/**
 * Runs tasks side by side and tells each result with its index, in order of completion. Resolves after the last.
 *
 * @throws TypeError when any task or option is not valid; then none is started.
 */
export function runBatch(
  intake: Intake,
  tasks: readonly TaskInput[],
  options: BatchOptions,
  told: (result: TaskResult, index: number) => void,
): Promise<void> {
  const { failFast, maxParallel, signal, onProgress, ...shared } = parseOrMisuse(
    batchOptionsSchema,
    options,
    'options',
  );
  const stop = failFast ? new AbortController() : undefined;
  const ofAll = stop?.signal ?? signal;
  const batch = parseTasks(intake, tasks, ofAll === undefined ? shared : { ...shared, signal: ofAll });
  if (batch.length === 0) return Promise.resolve();
  const free = stop && abortWith(stop, signal, intake);

  const limit = maxParallel ?? batch.length;
  const tellProgress = intake.guarded(onProgress);
  return new Promise((resolve) => {
    let started = 0;
    let ended = 0;
    let isFilling = false;
    // A loop, not a recursion: a task that is refused ends while it is begun.
    const fill = (): void => {
      if (isFilling) return;
      isFilling = true;
      while (started < batch.length && started - ended < limit) {
        const index = started++;
        const { text, prepared } = batch[index] as BatchItem;
        intake.begin(text, prepared, (result) => onEnd(result, index));
      }
      isFilling = false;
    };
    const onEnd = (result: TaskResult, index: number): void => {
      ended += 1;
      told(result, index);
      tellProgress(ended / batch.length, `${ended} of ${batch.length} tasks ended`);
      if (!result.success) stop?.abort(new Error(`task ${index + 1} of the batch did not complete`));
      if (ended < batch.length) fill();
      else {
        free?.();
        resolve();
      }
    };
    fill();
  });
}

/** Runs tasks side by side and yields their results in order of completion. Leaving the loop cancels the rest. */
export async function* streamBatch(
  intake: Intake,
  tasks: readonly TaskInput[],
  options: BatchOptions,
): AsyncGenerator<TaskResult> {
  const ready: TaskResult[] = [];
  const { signal: ofCaller, ...others } = parseOrMisuse(batchOptionsSchema, options, 'options');
  const left = new AbortController();
  let wake = (): void => {};
  let isDone = false;
  const end = (): void => {
    isDone = true;
    wake();
  };
  const free = abortWith(left, ofCaller, intake);
  try {
    const all = runBatch(intake, tasks, { ...others, signal: left.signal }, (result) => {
      ready.push(result);
      wake();
    });
    all.then(end, end);
    while (!isDone || ready.length > 0) {
      const result = ready.shift();
      if (result) yield result;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    await all;
  } finally {
    free();
    left.abort(new Error('the stream was left'));
  }
}

/**
 * Runs subtasks, each once what it depends on completed; with `parallel: false` one after another. Resolves with the
 * results in input order.
 *
 * @throws TypeError when ids repeat, a dependency is unknown or circular, or an option is not valid.
 */
export async function runSubtasks(
  intake: Intake,
  subtasks: readonly Subtask[],
  options: SubtasksOptions,
): Promise<TaskResult[]> {
  const { parallel = true, onProgress, ...shared } = parseOrMisuse(subtasksOptionsSchema, options, 'options');
  requireArray(subtasks, 'Subtasks');
  const plan = planSubtasks(
    Array.from(subtasks, (subtask, index) => parseOrMisuse(subtaskSchema, subtask, `subtasks[${index}]`)),
  );
  const results = new Array<TaskResult>(plan.length);
  const ended = new Map<string, Promise<TaskResult>>();
  let count = 0;
  const tellProgress = intake.guarded(onProgress);
  const run = async (planned: PlannedSubtask): Promise<TaskResult> => {
    const needed = new Map<string, TaskResult>();
    for (const id of planned.dependsOn) needed.set(id, await (ended.get(id) as Promise<TaskResult>));
    const result = await runSubtask(intake, planned, needed, shared);
    results[planned.index] = result;
    count += 1;
    tellProgress(count / plan.length, `${count} of ${plan.length} subtasks ended`);
    return result;
  };
  for (const planned of plan) {
    const end = run(planned);
    ended.set(planned.id, end);
    if (!parallel) await end;
  }
  await Promise.all(ended.values());
  return results;
}

function runSubtask(
  intake: Intake,
  { subtask, id: name, dependsOn }: PlannedSubtask,
  needed: ReadonlyMap<string, TaskResult>,
  { signal, ...trace }: Pick<SubtasksOptions, 'signal' | 'traceparent' | 'tracestate'>,
): Promise<TaskResult> {
  const { task, id: _, dependsOn: __, ...options } = subtask;
  const missing = [...needed].find(([, { success }]) => !success);
  const stopped =
    missing &&
    AbortSignal.abort(new Error(`subtask "${name}" needs "${missing[0]}", which did not complete`));
  const dependencies = Object.fromEntries([...needed].map(([id, { result }]) => [id, result]));
  const kwargs = dependsOn.length === 0 ? options.kwargs : { ...options.kwargs, dependencies };
  const prepared = intake.prepare({ ...options, ...trace, kwargs, signal: stopped ?? signal });
  return new Promise((resolve) => {
    intake.begin(task, prepared, resolve);
  });
}

/**
 * Aborts a batch's own controller with the signal of its caller; returns what ends that. Not by `AbortSignal.any`: a signal
 * that lives long would remember each batch that it was given to.
 */
function abortWith(controller: AbortController, signal: AbortSignal | undefined, intake: Intake): () => void {
  if (signal === undefined) return () => {};
  const follow = (reason: unknown): void => controller.abort(reason);
  if (!signal.aborted) return intake.follow(signal, follow);
  follow(signal.reason);
  return () => {};
}

interface BatchItem {
  readonly text: string;
  readonly prepared: Prepared;
}

/** Every task is parsed before the first is started. */
function parseTasks(intake: Intake, tasks: readonly TaskInput[], shared: TaskOptions): BatchItem[] {
  requireArray(tasks, 'Tasks');
  const forAll = intake.prepare(shared);
  // Array.from() sees the holes of an array, too.
  return Array.from(tasks, (input, index) => {
    if (typeof input === 'string') return { text: requireText(input), prepared: forAll };
    const { task: text, ...options } = parseOrMisuse(batchItemSchema, input, `tasks[${index}]`);
    // An option that is undefined says nothing, so that of the batch holds.
    const own = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const prepared = intake.prepare({ ...shared, ...own });
    // A signal of its own cancels a task as well as that of the batch, not instead of it.
    const signals = [shared.signal, options.signal].filter((signal) => signal !== undefined);
    return { text, prepared: signals.length < 2 ? prepared : { ...prepared, signals } };
  });
}

function requireArray(value: unknown, what: string): void {
  if (!Array.isArray(value)) throw misuse(`${what} come as an array; got a value of type ${typeof value}.`);
}
