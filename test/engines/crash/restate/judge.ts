import { type AttemptName, type Line, peaksOf } from './attempt-log.js';
import type { Story } from './load.js';
import { MOST } from './services.mjs';

/** How many of what is wrong are named. */
const MOST_NAMED = 20;

/** What is judged. */
export interface Evidence {
  readonly stories: readonly Story[];
  readonly lines: readonly Line[];
  /** Tasks whose end is another one when it is asked for again. */
  readonly different: readonly Story[];
  /** Attempts that began when they were asked for again. */
  readonly attemptsAgain: number;
}

/** Compares what was promised with what came of it. */
export function judge({ stories, lines, different, attemptsAgain }: Evidence) {
  const wrong: string[] = [];
  const acknowledged = stories.filter(({ isAccepted }) => isAccepted);
  const lost = acknowledged.filter(({ result }) => result === null);
  for (const { taskId } of lost) wrong.push(`${taskId} was accepted and has no result`);

  for (const { taskId } of different) wrong.push(`${taskId} has two ends`);
  if (attemptsAgain > 0) wrong.push(`${attemptsAgain} attempts began when ended tasks were asked for again`);
  const starts = startsOf(lines);
  const repeated = [...starts.values()].filter(({ times }) => times > 1);
  const repeatedUnsafe = repeated.filter(({ attempt: { service } }) => service === 'unsafe');
  for (const { attempt } of repeatedUnsafe) wrong.push(`${attempt.taskId} must not be repeated, and was`);

  const peaks = peaksOf(lines);
  const peak = peaks.get('all') ?? 0;
  const flakyPeak = peaks.get('flaky') ?? 0;
  if (peak > MOST.parallel) wrong.push(`${peak} attempts ran at once`);
  if (flakyPeak > MOST.flaky) wrong.push(`${flakyPeak} attempts of flaky ran at once`);

  const late = lateStarts(stories, lines);
  const [afterCancel, afterEnd] = [late.filter(isCancelled), late.filter((each) => !isCancelled(each))];
  for (const { taskId, lateMs } of afterEnd) wrong.push(`${taskId} was begun ${lateMs} ms after its end`);
  wrong.push(...wronglyTold(stories, lines));
  const count = (status: string): number => stories.filter(({ result }) => result?.status === status).length;
  return {
    acknowledged: acknowledged.length,
    refused: count('rejected'),
    lost: lost.length,
    double: different.length + repeatedUnsafe.length,
    completed: count('completed'),
    cancelled: count('cancelled'),
    interrupted: count('interrupted'),
    beganAfterCancel: afterCancel.length,
    reExecuted: repeated.reduce((sum, { times }) => sum + times - 1, 0),
    peak,
    maxParallel: MOST.parallel,
    violations: wrong.length,
    ...(wrong.length > 0 && { wrong: wrong.slice(0, MOST_NAMED) }),
  };
}

/** How often the code of each attempt began. */
function startsOf(lines: readonly Line[]) {
  const starts = new Map<string, { readonly attempt: AttemptName; times: number }>();
  for (const line of lines) {
    if (line.kind !== 'S') continue;
    const { attempt } = line;
    const key = `${attempt.taskId} ${attempt.number}`;
    const known = starts.get(key);
    if (known === undefined) starts.set(key, { attempt, times: 1 });
    else known.times += 1;
  }
  return starts;
}

/** Results that do not fit what the services did. */
function wronglyTold(stories: readonly Story[], lines: readonly Line[]): string[] {
  const done = new Set<string>();
  for (const line of lines) {
    if (line.kind === 'E' && line.ending === 'done')
      done.add(`${line.attempt.taskId} ${line.attempt.number}`);
  }
  return stories.flatMap(({ taskId, service, isCancelled, result }) => {
    if (result === null) return [];
    const { status, attempts, errorCode } = result;
    const words = `${taskId} on ${service} was told as ${status} after ${attempts} attempts (${errorCode})`;
    switch (status) {
      case 'completed':
        return done.has(`${taskId} ${attempts}`) && result.result === taskId ? [] : [words];
      case 'cancelled':
        return isCancelled ? [] : [words];
      case 'interrupted':
        return service === 'unsafe' ? [] : [words];
      case 'rejected':
        return [];
      default:
        return [words];
    }
  });
}

interface LateStart {
  readonly taskId: string;
  readonly status: string;
  readonly lateMs: number;
}

/** Attempts that began although the task had ended. */
function lateStarts(stories: readonly Story[], lines: readonly Line[]): LateStart[] {
  const ends = new Map(stories.map(({ taskId, result, endedAtMs }) => [taskId, { result, endedAtMs }]));
  return lines.flatMap((line) => {
    if (line.kind !== 'S') return [];
    const { taskId } = line.attempt;
    const end = ends.get(taskId);
    if (end === undefined || end.result === null || line.atMs <= end.endedAtMs) return [];
    return [{ taskId, status: end.result.status, lateMs: line.atMs - end.endedAtMs }];
  });
}

/** The cancel was on its way: a server that is killed just then passes it on once it is back. */
function isCancelled({ status }: LateStart): boolean {
  return status === 'cancelled';
}
