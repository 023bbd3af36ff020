/** What a queue with priorities, a parallel limit and one service should do, in the fewest words. */
export class QueueModel {
  readonly concurrency: number;
  maxParallel: number;
  isPaused = false;
  waiting: ModelTask[] = [];
  running: ModelTask[] = [];
  /** Attempts given up whose code still runs: each holds an instance. */
  held: ModelTask[] = [];
  readonly results = new Map<string, string>();
  submitted = 0;

  constructor(concurrency: number, maxParallel: number) {
    this.concurrency = concurrency;
    this.maxParallel = maxParallel;
  }

  submit(priority: number): ModelTask {
    this.submitted += 1;
    const task = { name: `task ${this.submitted}`, priority };
    const behind = this.waiting.findIndex((other) => other.priority < priority);
    this.waiting.splice(behind < 0 ? this.waiting.length : behind, 0, task);
    return task;
  }

  /** The open task at this place, waiting ones first. */
  open(pick: number): ModelTask | undefined {
    const open = [...this.waiting, ...this.running];
    return open[pick % open.length];
  }

  cancel(task: ModelTask): void {
    if (this.running.includes(task)) this.held.push(task);
    this.#leave(task);
    this.results.set(task.name, 'cancelled');
  }

  end(task: ModelTask, status: string): void {
    this.#leave(task);
    this.results.set(task.name, status);
  }

  clear(): void {
    for (const task of [...this.waiting]) this.cancel(task);
  }

  reprioritise(task: ModelTask, priority: number): void {
    this.waiting = this.waiting.filter((other) => other !== task);
    task.priority = priority;
    const behind = this.waiting.findIndex((other) => other.priority < priority);
    this.waiting.splice(behind < 0 ? this.waiting.length : behind, 0, task);
  }

  statusOf(name: string): string {
    const isRunning = this.running.some((task) => task.name === name);
    return this.results.get(name) ?? (isRunning ? 'running' : 'queued');
  }

  /** Starts whatever may start. */
  dispatch(): void {
    while (this.#mayStart()) this.running.push(this.waiting.shift() as ModelTask);
  }

  #mayStart(): boolean {
    const { isPaused, waiting, running, held, maxParallel, concurrency } = this;
    if (isPaused || waiting.length === 0) return false;
    return running.length < maxParallel && running.length + held.length < concurrency;
  }

  #leave(task: ModelTask): void {
    this.waiting = this.waiting.filter((other) => other !== task);
    this.running = this.running.filter((other) => other !== task);
  }
}

export interface ModelTask {
  readonly name: string;
  priority: number;
}
