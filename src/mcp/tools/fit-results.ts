import { resultTooLargeToSend } from '../../core/errors.js';
import type { TaskResult } from '../../core/result.js';
import { MAX_RESULT_BYTES, toWireResults } from '../wire-result.js';
import type { WireResult } from './task-result.schema.js';

/** Most bytes of results that are kept of one run, to be read as a resource: over stdio 10 MiB end the connection. */
const MAX_WHOLE_BYTES = 4 * MAX_RESULT_BYTES;

/** Results as they go into one answer. */
export interface FittedResults {
  readonly results: WireResult[];
  /** All of them whole, as far as they can be kept, when the answer has room for some only; else null. */
  readonly whole: WireResult[] | null;
}

/** Whether a result was refused for its size on its way out. */
export function wasCut(wire: WireResult | undefined, source: TaskResult | undefined): boolean {
  return wire?.errorCode === 'RESULT_TOO_LARGE' && source?.errorCode !== 'RESULT_TOO_LARGE';
}

/**
 * Makes results fit into one answer; those that do not say where they can be read.
 *
 * @param uri - Of the run; null when there is none, and so nowhere to read them.
 */
export function fitResults(sources: readonly TaskResult[], uri: string | null): FittedResults {
  const results = toWireResults(sources);
  if (uri === null || !results.some((wire, index) => wasCut(wire, sources[index]))) {
    return { results, whole: null };
  }
  const whole = toWireResults(sources, MAX_WHOLE_BYTES);
  const isKept = (index: number): boolean =>
    wasCut(results[index], sources[index]) && !wasCut(whole[index], sources[index]);
  if (!results.some((_, index) => isKept(index))) return { results, whole: null };
  return { results: results.map((wire, index) => (isKept(index) ? pointTo(wire, uri) : wire)), whole };
}

function pointTo(wire: WireResult, uri: string): WireResult {
  const preview = String(wire.errorDetails?.preview ?? '');
  const error = resultTooLargeToSend(wire.serviceName ?? 'unknown', MAX_RESULT_BYTES, { preview, uri });
  return { ...wire, error: error.message, errorDetails: { ...error.facts } };
}
