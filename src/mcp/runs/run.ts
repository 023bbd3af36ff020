import { randomUUID } from 'node:crypto';
import { runUri } from '../resources/resource-uri.js';
import type { ToolAnswer } from '../tool-answer.js';

/** How far a run is, 0 to 1, and what its service says of it. */
export interface RunProgress {
  readonly fraction: number;
  readonly message: string | undefined;
}

/** How the work of a run ended. */
export interface RunEnd {
  readonly answer: ToolAnswer;
  /** The answer as JSON when it is too large to be sent as one; else null. */
  readonly wholeJson: string | null;
  /** Whether an attempt was made; work that was refused may be asked for again under the same key. */
  readonly wasTried: boolean;
  /** Whether the work broke down by a fault of ours. Default false. */
  readonly isOurFault?: boolean;
  /** Whether the process stops and the work goes on at its next start: then the run goes on as well. Default false. */
  readonly isKept?: boolean;
}

/** Someone who waits for the end of a run. */
export interface Follower {
  readonly onEnd: () => void;
  readonly onProgress: ((fraction: number, message: string | undefined) => void) | undefined;
}

/** What one principal has under way. */
export interface Load {
  runs: number;
  bytes: number;
}

/** What a run is made of. */
export interface RunIdentity {
  /** Default: a fresh one. */
  readonly id?: string;
  readonly toolName: string;
  readonly principal: string | null;
  readonly args: object;
  readonly idempotencyKey: string | undefined;
}

/** What keeps a run going. */
export interface Working {
  readonly controller: AbortController;
  readonly load: Load;
  /** Size of the arguments, about. */
  readonly inputBytes: number;
  /** Timer that cancels a run which nobody waits for any more. */
  grace: unknown;
}

/**
 * The work of one tool call, and the handle under which it is found again.
 *
 * Owns: its progress, its end, who follows it. Fields that can be set belong to the store; they lie here because a run is
 * made for every call, and maps of them would cost more than the rest of it. Invariants:
 * - L1 it ends once, and from then on does not change;
 * - L2 its id cannot be guessed, and is told only in an answer to its principal.
 */
export class Run {
  readonly id: string;
  readonly toolName: string;
  /** Everything that says which work it is. */
  readonly args: object;
  readonly idempotencyKey: string | undefined;
  /** Who may see it; null: the one client of a connection over stdio. */
  readonly principal: string | null;
  /** Monotonic milliseconds of the store's clock. */
  readonly startedAtMs: number;
  /** What keeps it going; null once it has ended. */
  working: Working | null;
  followers: Follower[] = [];
  /** Whether the caller knows the id: from then on only a cancel that names it stops the run. */
  isHandedOut = false;
  /** Whether it was cancelled while it was under way. */
  isCancelRequested = false;
  /** Whether someone was given the end, and nobody is expected to come for it again. */
  isTold = false;
  /** What it counts for among the runs that are kept. */
  keptBytes = 0;
  #progress: RunProgress | null = null;
  #changedAtMs: number;
  #end: RunEnd | null = null;

  /** @param working - Null for one of an earlier process that has ended: `finish` follows. */
  constructor(request: RunIdentity, startedAtMs: number, working: Working | null) {
    this.id = request.id ?? randomUUID();
    this.toolName = request.toolName;
    this.principal = request.principal;
    this.args = request.args;
    this.idempotencyKey = request.idempotencyKey;
    this.startedAtMs = startedAtMs;
    this.working = working;
    this.#changedAtMs = startedAtMs;
  }

  /** Its address as a resource, where the whole result can be read. */
  get uri(): string {
    return runUri(this.id);
  }

  /** `running`, or what the answer says. */
  get status(): string {
    if (this.#end === null) return 'running';
    const { status } = this.#end.answer.structuredContent ?? {};
    return typeof status === 'string' ? status : 'failed';
  }

  get hasEnded(): boolean {
    return this.#end !== null;
  }

  get end(): RunEnd | null {
    return this.#end;
  }

  get progress(): RunProgress | null {
    return this.#progress;
  }

  /** When it made progress or ended, in milliseconds as {@link startedAtMs}. */
  get changedAtMs(): number {
    return this.#changedAtMs;
  }

  /** The answer of the moment: that of the tool once it has ended. */
  answer(): ToolAnswer {
    return this.#end?.answer ?? this.#runningAnswer();
  }

  /** The answer as JSON, not cut. */
  wholeJson(): string {
    return this.#end?.wholeJson ?? JSON.stringify(this.answer().structuredContent ?? this.#refusal());
  }

  /** Takes a report of the work, which has not ended. */
  report(progress: RunProgress, nowMs: number): void {
    this.#progress = progress;
    this.#changedAtMs = nowMs;
    for (const { onProgress } of this.followers) onProgress?.(progress.fraction, progress.message);
  }

  /** Sets the end. Followers are told by the store, after its own state is right. */
  finish(end: RunEnd, nowMs: number): void {
    this.working = null;
    this.#end = end;
    this.#changedAtMs = nowMs;
  }

  toJSON(): object {
    const { id, toolName, status } = this;
    return { id, toolName, status };
  }

  #runningAnswer(): ToolAnswer {
    const { fraction, message } = this.#progress ?? {};
    const far =
      fraction === undefined ? '' : ` (${Math.round(fraction * 100)} %${message ? `: ${message}` : ''})`;
    return {
      text: `Run ${this.id} is still running${far}. Call getRun with runId "${this.id}" to wait for its result, or cancelRun to stop it.`,
      structuredContent: {
        runId: this.id,
        status: 'running',
        ...(fraction !== undefined && { progress: fraction }),
        ...(message !== undefined && { message }),
      },
      isError: false,
    };
  }

  #refusal(): object {
    return { runId: this.id, status: 'failed', error: this.answer().text };
  }
}
