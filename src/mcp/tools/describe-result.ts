import { cut } from '../wire-result.js';
import type { WireResult } from './task-result.schema.js';

/** Characters of one result in the text of a single answer; the whole of it is in the structured content. */
const RESULT_CHARS = 8000;

/** The text of one result: what came out, who did it and why. */
export function describeResult(result: WireResult): string {
  const head = `${result.serviceName ?? 'no service'} ${result.status} in ${result.executionTime.toFixed(2)} s${whyText(result)}`;
  return result.success
    ? `${head}\n${cut(resultText(result.result), RESULT_CHARS)}`
    : `${head}\n${failureText(result)}`;
}

/** One line of a batch: the number of the task, its service, and the beginning of its result or error. */
export function describeItem(result: WireResult, index: number, maxChars: number): string {
  const text = result.success ? resultText(result.result) : failureText(result);
  const line = cut(text.replaceAll(/\s+/g, ' ').trim(), maxChars);
  return `${index + 1}. ${result.serviceName ?? 'no service'} ${result.status}: ${line}`;
}

function whyText({ route }: WireResult): string {
  return route === null ? '' : ` (${route.outcome}: ${route.why})`;
}

function failureText({ errorCode, error }: WireResult): string {
  return `${errorCode ?? 'ERROR'}: ${error ?? 'no message'}`;
}

function resultText(result: unknown): string {
  if (typeof result === 'string') return result;
  if (result !== null && typeof result === 'object' && 'text' in result && typeof result.text === 'string') {
    const { text, ...rest } = result;
    return Object.keys(rest).length === 0 ? text : `${text}\n${JSON.stringify(rest)}`;
  }
  return JSON.stringify(result);
}
