import { OrchestratorError, resultTooLarge } from '../core/errors.js';
import type { TaskResult } from '../core/result.js';
import type { Route } from '../core/route.js';
import { copyPlain, NOT_PLAIN, PREVIEW_CHARS, writeJson } from '../core/safe-json.js';
import type { WireRoute } from './tools/route.schema.js';
import type { WireResult } from './tools/task-result.schema.js';

/** Most bytes of results that one answer over MCP carries. */
export const MAX_RESULT_BYTES = 1024 * 1024;

/** Most characters of an `error`: services write it, and a client may show it to a model. */
const MAX_ERROR_CHARS = 4000;
/** Most bytes of `errorDetails` and of a `route`; beyond it the details go and the route keeps its decision. */
const MAX_FACTS_BYTES = 32 * 1024;
/** Most bytes of details and routes in one answer: stdio clients end the connection above 10 MiB. */
const MAX_ANSWER_FACTS_BYTES = 4 * 1024 * 1024;
/** A result that is surely smaller than this is copied; another is written as JSON, which measures it, and read again. */
const SMALL_BYTES = 32 * 1024;
/** Preview of a result that had to go because the answer as a whole was too large. */
const SHORT_PREVIEW_CHARS = 200;

/**
 * Makes a result plain JSON. A result that is none becomes `failed`/`UNSERIALISABLE`, one above the limit
 * `failed`/`RESULT_TOO_LARGE` with a preview in `errorDetails`. Never throws.
 *
 * @param limitBytes - Default: {@link MAX_RESULT_BYTES}.
 */
export function toWireResult(result: TaskResult, limitBytes = MAX_RESULT_BYTES): WireResult {
  const copy = copyPlain(result.result, Math.min(limitBytes, SMALL_BYTES));
  return copy === NOT_PLAIN
    ? (toWireResults([result], limitBytes)[0] as WireResult)
    : assemble(result, copy, null);
}

/**
 * Makes results plain JSON that together keep to the limit: when they do not, the largest become
 * `failed`/`RESULT_TOO_LARGE`, so that the small ones arrive whole. Never throws.
 *
 * @param limitBytes - Default: {@link MAX_RESULT_BYTES}.
 */
export function toWireResults(results: readonly TaskResult[], limitBytes = MAX_RESULT_BYTES): WireResult[] {
  const written = results.map((result) => writeResult(result, limitBytes));
  dropLargest(written, limitBytes);
  const wire = written.map(({ source, json, refusal }) => assemble(source, JSON.parse(json), refusal));
  // Each route and each errorDetails keeps to MAX_FACTS_BYTES, so only many of them can be too much.
  if (wire.length * 2 * MAX_FACTS_BYTES <= MAX_ANSWER_FACTS_BYTES) return wire;
  const factsBytes = wire.reduce((sum, { route, errorDetails }) => sum + sizeOf({ route, errorDetails }), 0);
  return factsBytes <= MAX_ANSWER_FACTS_BYTES
    ? wire
    : wire.map((each) => ({ ...each, route: null, errorDetails: null }));
}

interface Written {
  readonly source: TaskResult;
  json: string;
  sizeBytes: number;
  refusal: OrchestratorError | null;
}

function writeResult(source: TaskResult, limitBytes: number): Written {
  const outcome = writeJson(source.result, limitBytes);
  switch (outcome.kind) {
    case 'json':
      return { source, json: outcome.json, sizeBytes: outcome.sizeBytes, refusal: null };
    case 'too-large':
      return { source, ...refused(tooLarge(source, limitBytes, outcome.preview)) };
    case 'unserialisable':
      return { source, ...refused(unserialisable(source, outcome.why)) };
  }
}

function refused(refusal: OrchestratorError): Omit<Written, 'source'> {
  return { json: 'null', sizeBytes: 4, refusal };
}

function dropLargest(written: readonly Written[], limitBytes: number): void {
  let total = written.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total <= limitBytes) return;
  for (const item of [...written].sort((a, b) => b.sizeBytes - a.sizeBytes)) {
    if (total <= limitBytes) return;
    total -= item.sizeBytes;
    Object.assign(item, refused(tooLarge(item.source, limitBytes, item.json.slice(0, SHORT_PREVIEW_CHARS))));
  }
}

function assemble(source: TaskResult, value: unknown, refusal: OrchestratorError | null): WireResult {
  const { taskId, serviceName, executionTime, queueTime, attempts, route } = source;
  return {
    taskId,
    status: refusal === null ? source.status : 'failed',
    serviceName,
    success: refusal === null && source.success,
    result: value,
    error: refusal === null ? source.error && cut(source.error, MAX_ERROR_CHARS) : refusal.message,
    errorCode: refusal === null ? source.errorCode : refusal.code,
    errorDetails: refusal === null ? plain(source.errorDetails) : { ...refusal.facts },
    executionTime,
    queueTime,
    attempts,
    route: route && toWireRoute(route),
  };
}

/** Makes a route plain JSON; one with more than 32 KiB of candidates and reasons keeps its decision only. */
export function toWireRoute(route: Route): WireRoute {
  const copy = copyOf(route);
  if (copy !== NOT_PLAIN) return copy as WireRoute;
  const { service, confidence, usedFallback, outcome, why } = route;
  return { service, confidence, usedFallback, outcome, why: cut(why, PREVIEW_CHARS), ranked: [] };
}

function plain(facts: TaskResult['errorDetails']): WireResult['errorDetails'] {
  if (facts === null) return null;
  const copy = copyOf(facts);
  return copy === NOT_PLAIN ? null : (copy as WireResult['errorDetails']);
}

/** A copy that is plain JSON, or {@link NOT_PLAIN} for facts that cannot be sent or are too large. */
function copyOf(facts: object): unknown {
  const copy = copyPlain(facts, MAX_FACTS_BYTES);
  if (copy !== NOT_PLAIN) return copy;
  const written = writeJson(facts, MAX_FACTS_BYTES);
  return written.kind === 'json' ? JSON.parse(written.json) : NOT_PLAIN;
}

function sizeOf(facts: unknown): number {
  return JSON.stringify(facts).length;
}

/** Cuts a text, with a sign that there was more. */
export function cut(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`;
}

function tooLarge({ serviceName }: TaskResult, limitBytes: number, preview: string): OrchestratorError {
  return resultTooLarge(serviceName ?? 'unknown', limitBytes, preview);
}

function unserialisable({ serviceName }: TaskResult, why: string): OrchestratorError {
  const message = `The result of "${serviceName}" cannot be sent as JSON: ${why}; return plain data from the service.`;
  return new OrchestratorError('UNSERIALISABLE', message, { service: serviceName });
}
