import { randomUUID } from 'node:crypto';
import type { Log } from '../core/environment.js';
import { internalError, OrchestratorError } from '../core/errors.js';

/** The answer to a tool call, whatever the protocol. `structuredContent` is plain JSON. */
export interface ToolAnswer {
  readonly text: string;
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  readonly isError: boolean;
  /** Where the whole of an answer is that had to be cut. */
  readonly wholeUri?: string;
}

/** An answer that says why there is no other. */
export function refusal(text: string): ToolAnswer {
  return { text, isError: true };
}

/** Why a call came to nothing; `isOurs` when the fault is none of the caller's. */
export interface Fault {
  readonly answer: ToolAnswer;
  readonly isOurs: boolean;
}

/** Makes an answer of what was thrown. Our own faults say no more than an error id; their cause goes to the log. */
export function explainFault(cause: unknown, toolName: string, log: Log): Fault {
  if (isMisuse(cause)) return { answer: refusal(cause.message), isOurs: false };
  if (cause instanceof OrchestratorError) {
    return { answer: refusal(`${cause.code}: ${cause.message}`), isOurs: false };
  }
  const error = internalError(randomUUID(), cause);
  log.error({ tool: toolName, errorId: error.facts.errorId, err: cause }, 'tool call failed');
  return { answer: refusal(`${error.code}: ${error.message}`), isOurs: true };
}

/** What the orchestrator throws when it is called wrongly, for instance for subtasks that depend on each other. */
function isMisuse(cause: unknown): cause is TypeError {
  return cause instanceof TypeError && 'code' in cause && cause.code === 'INVALID_INPUT';
}
