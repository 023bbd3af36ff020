import type { TaskDetail, TaskFilter, TaskSummary } from '../../core/engine.js';
import type { JournalOptions } from '../../core/engine-config.js';
import { silentLog } from '../../core/environment.js';
import { cancelled } from '../../core/errors.js';
import type { TaskResult } from '../../core/result.js';
import { Journal } from './journal.js';
import { bodyOf } from './recovery.js';

/** The tasks of a journal whose process is not running. What is changed here, the next start finds. */
export class JournalFile {
  readonly #journal: Journal;

  /** @throws OrchestratorError `JOURNAL_LOCKED` while a process has it, and what else opening a journal throws. */
  constructor(options: JournalOptions) {
    this.#journal = Journal.open(options, silentLog);
  }

  list(filter?: TaskFilter): TaskSummary[] {
    return this.#journal.books.list(filter);
  }

  find(taskId: string): TaskDetail | undefined {
    return this.#journal.find(taskId);
  }

  /** Ends a task that has not ended; false when there is none. */
  cancel(taskId: string, reason: string): Promise<boolean> {
    const entry = this.#journal.books.get(taskId);
    if (entry === undefined || entry.status !== null) return Promise.resolve(false);
    const { attempts, service } = entry;
    const { code: errorCode, message: error } = cancelled(reason);
    const result: TaskResult = {
      taskId,
      status: 'cancelled',
      serviceName: service,
      success: false,
      result: null,
      error,
      errorCode,
      errorDetails: null,
      executionTime: 0,
      queueTime: 0,
      attempts,
      route: null,
    };
    const end = { kind: 'finished', id: taskId, atMs: Date.now(), status: 'cancelled', service } as const;
    return this.#write({ ...end, attempts, errorCode }, JSON.stringify(result));
  }

  /** Accepts a task that ended without success again; the next start runs it. False when there is none. */
  retry(taskId: string): Promise<boolean> {
    const entry = this.#journal.books.get(taskId);
    const asked = entry && this.#journal.askedFor(entry);
    if (asked === undefined || !this.#journal.books.isDead(taskId)) return Promise.resolve(false);
    return this.#write(this.#journal.acceptance(taskId, asked.key), bodyOf(asked.text, asked));
  }

  close(): void {
    this.#journal.close();
  }

  #write(record: Parameters<Journal['add']>[0], body: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#journal.add(record, { body, mayBeRefused: true, done: () => resolve(true), refused: reject });
    });
  }
}
