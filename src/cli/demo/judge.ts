import type { WireResult } from '../../mcp/tools/task-result.schema.js';
import type { DemoTask } from './demo-tasks.js';

/** What became of a task of the demo. `wrong` says that gaffr, or this installation, is broken. */
export type Verdict = 'answered' | 'needs a provider' | 'refused' | 'wrong';

/** Compares a result with what the task must come to. */
export function judge({ service, expected }: DemoTask, result: WireResult): Verdict {
  if (result.serviceName !== service) return 'wrong';
  // A slim installation leaves the heavy packages out and says which one is missing.
  if (result.errorCode === 'MISSING_PACKAGE') return 'needs a provider';
  switch (expected.kind) {
    case 'answer': {
      const text = JSON.stringify(result.result);
      return result.success && expected.contains.every((part) => text.includes(part)) ? 'answered' : 'wrong';
    }
    case 'needs':
      if (result.success) return 'answered';
      return expected.codes.some((code) => code === result.errorCode) ? 'needs a provider' : 'wrong';
    case 'refusal':
      return result.errorCode === expected.code ? 'refused' : 'wrong';
  }
}
