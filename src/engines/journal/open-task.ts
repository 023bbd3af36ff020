import type { EngineTask } from '../../core/engine.js';
import type { JournalRecord } from '../../core/journal-record.js';

/** What the engine knows of a task while it is open, and the records of its progress. */
export class OpenTask {
  /** How often the process died during its attempts. */
  crashes: number;
  /** Whether an earlier process had it. */
  readonly isRestored: boolean;
  /** The service at which its first attempt may begin without a further record; null when it may not, or has begun. */
  promisedAt: string | null = null;
  #starts = 0;
  /** Starts behind which a record lies that no attempt is under way. */
  #ended = 0;

  constructor({ crashes = 0, isRestored = false } = {}) {
    this.crashes = crashes;
    this.isRestored = isRestored;
  }

  /** Whether the file may say that an attempt is under way. */
  get mayHaveBegun(): boolean {
    return this.#ended < this.#starts;
  }

  /** The record of a start. From now on it may lie in the file. */
  started({ id, attempts }: Pick<EngineTask, 'id' | 'attempts'>, service: string): JournalRecord {
    this.#starts += 1;
    return { kind: 'started', id, attempts, service, crashes: this.crashes };
  }

  /** The record that no attempt is under way; `written` is to be called once it lies in the file. */
  resting({ id, attempts }: EngineTask): { readonly record: JournalRecord; readonly written: () => void } {
    const starts = this.#starts;
    const written = (): void => {
      this.#ended = starts;
    };
    return { record: { kind: 'resting', id, attempts, crashes: this.crashes }, written };
  }
}
