import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

/** A line of the log of the attempts; they stand in the order in which things happened, over all processes. */
export type Line =
  /** An attempt began. */
  | { readonly kind: 'S'; readonly pid: number; readonly atMs: number; readonly attempt: AttemptName }
  /** It ended, and how. */
  | {
      readonly kind: 'E';
      readonly pid: number;
      readonly atMs: number;
      readonly attempt: AttemptName;
      readonly ending: string;
    }
  /** A process was killed, with every attempt that ran in it. */
  | { readonly kind: 'K'; readonly pid: number; readonly atMs: number };

/** Which attempt of which task. */
export interface AttemptName {
  readonly taskId: string;
  readonly number: number;
  readonly service: string;
}

/** The file that the workers write, and that tells of kills. */
export class AttemptLog {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    writeFileSync(path, '');
  }

  /** The process is dead: nothing runs in it any more. */
  noteKill(pid: number): void {
    appendFileSync(this.path, `K ${pid} ${Date.now()}\n`);
  }

  /** The lines from the given one on. */
  linesFrom(index: number): Line[] {
    return readFileSync(this.path, 'utf8').split('\n').slice(index, -1).map(parse);
  }
}

function parse(text: string): Line {
  const [kind = '', pid, atMs, taskId = '', number, service = '', ending = ''] = text.split(' ');
  const facts = { pid: Number(pid), atMs: Number(atMs) };
  const attempt = { taskId, number: Number(number), service };
  if (kind === 'K') return { kind, ...facts };
  if (kind === 'S') return { kind, ...facts, attempt };
  if (kind === 'E') return { kind, ...facts, attempt, ending };
  throw new Error(`The log of the attempts has a line that is none: ${JSON.stringify(text)}.`);
}

/** Most attempts that ran at one moment: over all services, and of each. */
export function peaksOf(lines: readonly Line[]): ReadonlyMap<string, number> {
  const running = new Map<string, AttemptName & { readonly pid: number }>();
  const peaks = new Map<string, number>();
  const raise = (name: string, count: number): void => {
    peaks.set(name, Math.max(peaks.get(name) ?? 0, count));
  };
  for (const line of lines) {
    if (line.kind === 'K') {
      for (const [key, { pid }] of running) if (pid === line.pid) running.delete(key);
      continue;
    }
    const { pid, attempt } = line;
    const key = `${pid} ${attempt.taskId} ${attempt.number}`;
    if (line.kind === 'E') {
      running.delete(key);
      continue;
    }
    running.set(key, { ...attempt, pid });
    raise('all', running.size);
    raise(attempt.service, [...running.values()].filter(({ service }) => service === attempt.service).length);
  }
  return peaks;
}
