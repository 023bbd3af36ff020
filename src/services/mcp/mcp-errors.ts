/** What the services over downstream MCP servers say when something is wrong, so that the texts are read together. */

import { messageOf, OrchestratorError } from '../../core/errors.js';
import { endOf } from '../text-tail.js';
import type { ServerEnd } from './stdio-transport.js';
import type { DownstreamTool } from './tool-list.js';

/** A tool as errors show it to a calling model. */
export interface OfferedTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

const LONGEST_SAID = 2000;
/** Longest schema in an error or for a planner, in characters of JSON. */
const LONGEST_SHOWN_SCHEMA = 16 * 1024;

/** A schema that is longer than a caller can use is left out. */
export function offered({ name, description, definition }: DownstreamTool): OfferedTool {
  const { inputSchema } = definition;
  const isShown = JSON.stringify(inputSchema).length <= LONGEST_SHOWN_SCHEMA;
  return { name, description, inputSchema: isShown ? { ...inputSchema } : { type: 'object' } };
}

/** `NEEDS_ARGUMENTS`: no tool could be chosen or filled from words alone. */
export function needsArguments(
  server: string,
  why: string,
  tools: readonly DownstreamTool[],
): OrchestratorError {
  const [best] = tools;
  const example = JSON.stringify({ tool: best?.name ?? 'name', arguments: {} });
  const message =
    best === undefined
      ? `"${server}" offers no tool for this task (${why}); name another service.`
      : `"${server}" needs to be told the tool and its arguments (${why}); call again with kwargs like ${example}. errorDetails.tools has the best tools with their schemas.`;
  return new OrchestratorError('NEEDS_ARGUMENTS', message, { server, tools: tools.map(offered) });
}

/** `INVALID_INPUT`: the arguments do not fit the tool's schema. */
export function argumentsDoNotFit(server: string, tool: DownstreamTool, why: string): OrchestratorError {
  const message = `The arguments do not fit tool "${tool.name}" of "${server}": ${why}; see errorDetails.tools for its schema.`;
  return new OrchestratorError('INVALID_INPUT', message, {
    server,
    reason: 'arguments',
    tools: [offered(tool)],
  });
}

/** `INVALID_INPUT`: the server has no such tool, or the operator does not allow it; both say the same. */
export function unknownTool(server: string, tool: string, known: readonly string[]): OrchestratorError {
  const names = known.length === 0 ? 'it offers none' : `it offers ${known.slice(0, 40).join(', ')}`;
  const message = `"${server}" offers no tool "${tool.slice(0, 128)}" (${names}); name one of these.`;
  return new OrchestratorError('INVALID_INPUT', message, { server, reason: 'tool', known });
}

/** `SERVICE_UNAVAILABLE`, not retryable: the tool is not what was approved. */
export function quarantined(server: string, tool: string, why: string): OrchestratorError {
  const message = `Tool "${tool}" of "${server}" ${why}, so it is not called; read its description and approve it.`;
  return new OrchestratorError(
    'SERVICE_UNAVAILABLE',
    message,
    { server, tool, reason: 'quarantined' },
    { retryable: false, isTransportFault: false },
  );
}

/** `SERVICE_FAILED`: a list of tools without end. */
export function endlessToolList(server: string, why: string): OrchestratorError {
  const message = `The list of tools of "${server}" does not end (${why}); mend the server.`;
  return new OrchestratorError('SERVICE_FAILED', message, { server });
}

/** `SERVICE_UNAVAILABLE`, not retryable: the file of approvals is damaged. */
export function lockUnreadable(path: string, cause: unknown): OrchestratorError {
  const message = `The approvals of downstream tools in "${path}" cannot be read (${messageOf(cause)}); restore the file, or delete it to approve all tools as they are.`;
  return new OrchestratorError(
    'SERVICE_UNAVAILABLE',
    message,
    { path },
    { cause, retryable: false, isTransportFault: false },
  );
}

/** `SERVICE_UNAVAILABLE`: no connection could be made; `stderr` is the end of what the server wrote there. */
export function cannotConnect(
  server: string,
  why: string,
  stderr: string,
  cause: unknown,
): OrchestratorError {
  const said = stderr === '' ? '' : ` It wrote: ${endOf(stderr, 500)}`;
  const message = `"${server}" cannot be reached (${why}); see that its command or address is right and that it runs.${said}`;
  const facts = { server, ...(stderr !== '' && { stderr }) };
  const retryable = cause instanceof OrchestratorError ? cause.retryable : true;
  // A command that is missing is a fault of the service as well: its circuit opens.
  return new OrchestratorError('SERVICE_UNAVAILABLE', message, facts, {
    cause,
    retryable,
    isTransportFault: true,
  });
}

/** `SERVICE_UNAVAILABLE`: the last attempts to connect failed, and the next is not due. */
export function reconnectsLater(
  server: string,
  waitMs: number,
  lastError: OrchestratorError,
): OrchestratorError {
  const retryAfterSeconds = waitMs / 1000;
  const message = `"${server}" is tried again in ${retryAfterSeconds.toFixed(1)} s. The last time: ${lastError.message}`;
  return new OrchestratorError(
    'SERVICE_UNAVAILABLE',
    message,
    { server, retryAfterSeconds },
    { cause: lastError, retryable: lastError.retryable, isTransportFault: true },
  );
}

/** `SERVICE_UNAVAILABLE`: the server is being started; the attempt gives its parallel slot back meanwhile. */
export function stillConnecting(server: string, settlesInMs: number): OrchestratorError {
  // Half of what is left, so that a server which is soon up is not waited for to the end, in few attempts.
  const retryAfterSeconds = settlesInMs / 2000;
  const message = `"${server}" is still being started or connected to, with other tasks waiting for it as well; try again in ${retryAfterSeconds.toFixed(1)} s.`;
  return new OrchestratorError(
    'SERVICE_UNAVAILABLE',
    message,
    { server, retryAfterSeconds },
    // Whether it can be reached is not known yet.
    { retryable: true, isTransportFault: false },
  );
}

/** What a crash in the middle of a call is told with. */
export interface Crash {
  readonly server: string;
  readonly tool: string;
  readonly how: string;
  readonly end: ServerEnd | undefined;
  readonly stderr: string;
  /** The call may be made again. */
  readonly isRepeatSafe: boolean;
}

/** `CRASHED`: the server died or the connection broke while a call was under way. */
export function crashedInCall(
  { server, tool, how, end, stderr, isRepeatSafe }: Crash,
  cause: unknown,
): OrchestratorError {
  const said = stderr === '' ? '' : ` It wrote: ${endOf(stderr, 500)}`;
  const advice = isRepeatSafe
    ? 'it is connected again for the next call'
    : 'the tool may have had effects and is not marked read-only or idempotent, so the call is not repeated';
  const message = `"${server}" broke off in the middle of tool "${tool}" (${how}); ${advice}.${said}`;
  const facts = {
    server,
    tool,
    exitCode: end?.exitCode ?? null,
    signal: end?.signal ?? null,
    ...(stderr !== '' && { stderr }),
  };
  return new OrchestratorError('CRASHED', message, facts, {
    cause,
    retryable: isRepeatSafe,
    isTransportFault: true,
    isRepeatSafe,
  });
}

/** `SERVICE_FAILED`, final: an earlier attempt called the tool and got no answer. */
export function notRepeated(server: string, tool: string): OrchestratorError {
  const message = `Tool "${tool}" of "${server}" was called in an earlier attempt, which ended without an answer; it may have had effects and is not marked read-only or idempotent, so it is not called again. See what it has done, or list it under tools.idempotent.`;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { server, tool, reason: 'not-repeated' },
    { retryable: false, isTransportFault: false },
  );
}

/** `SERVICE_FAILED`, final: the tool itself says that it failed. The link is fine. */
export function toolFailed(
  server: string,
  tool: string,
  said: string,
  facts: object = {},
): OrchestratorError {
  const words = said === '' ? 'it did not say why' : said.slice(0, LONGEST_SAID);
  const message = `Tool "${tool}" of "${server}" failed: ${words}`;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { server, tool, ...facts },
    { retryable: false, isTransportFault: false },
  );
}

/** `SERVICE_AUTH_REQUIRED`: the server wants credentials, or others. */
export function needsCredentials(server: string, why: string, cause: unknown): OrchestratorError {
  const message = `"${server}" wants credentials (${why}); set a valid header or variable in its configuration.`;
  return new OrchestratorError('SERVICE_AUTH_REQUIRED', message, { server }, { cause });
}
