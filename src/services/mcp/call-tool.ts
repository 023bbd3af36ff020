/** Makes one call of a tool and understands how it ended. */

import type { CallToolResult } from '@modelcontextprotocol/client';
import { messageOf, OrchestratorError, resultTooLarge } from '../../core/errors.js';
import type { ServiceContext } from '../../core/service.js';
import { isLargerThan } from '../../core/size.js';
import { type Link, reasonOf, statusOf } from './connection.js';
import { crashedInCall, needsCredentials, toolFailed } from './mcp-errors.js';
import type { ToolCall } from './plan-call.js';
import { STREAM_ENDED } from './screened-transport.js';

/** What a service over a downstream server answers. */
export interface ToolAnswer {
  readonly tool: string;
  /** The text parts of the answer, one below the other. */
  readonly text: string;
  /** The data of the answer, when the tool gives any. */
  readonly structuredContent?: unknown;
  /** Pictures, sound, links and resources, as the server sent them. */
  readonly content?: readonly unknown[];
}

/** What a call is made with, beside the call itself. */
export interface CallSettings {
  readonly server: string;
  readonly maxResultBytes: number;
  /** A second call does no harm. */
  readonly isRepeatable: boolean;
}

/** Longest time a timer keeps: the attempt's own limit decides, not the SDK's. */
const NO_LIMIT_MS = 2 ** 31 - 1;
/** Failures of an HTTP request that was never received. */
const NEVER_SENT = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
];
/** JSON-RPC: the server wants the user to log in somewhere first. */
const URL_ELICITATION_REQUIRED = -32042;
const PREVIEW_CHARACTERS = 1024;

/**
 * @throws OrchestratorError `SERVICE_FAILED`, final, when the tool says that it failed; `CRASHED` when the server died or
 * the connection broke; `SERVICE_AUTH_REQUIRED`; `RESULT_TOO_LARGE`; {@link SessionLost} when the call was not taken
 * because the server has forgotten us; the signal's reason when it fires.
 */
export async function callTool(
  link: Link,
  call: ToolCall,
  { signal, progress }: Pick<ServiceContext, 'signal' | 'progress'>,
  settings: CallSettings,
): Promise<ToolAnswer> {
  const { name, definition } = call.tool;
  let result: CallToolResult;
  try {
    result = (await link.client.callTool(
      { name, arguments: { ...call.arguments } },
      {
        signal,
        timeout: NO_LIMIT_MS,
        onprogress: ({ progress: made, total, message }) => progress(fractionOf(made, total), message),
        // With it no list is fetched or looked up for the call; what the server says of its output is not believed.
        toolDefinition: { ...definition, outputSchema: undefined },
      },
    )) as CallToolResult;
  } catch (cause) {
    signal.throwIfAborted();
    throw explain(link, name, cause, settings);
  }
  const answer = answerOf(name, result);
  if (result.isError === true) throw toolFailed(settings.server, name, answer.text);
  if (isLargerThan(answer, settings.maxResultBytes)) {
    throw resultTooLarge(settings.server, settings.maxResultBytes, answer.text.slice(0, PREVIEW_CHARACTERS));
  }
  return answer;
}

/** The server answered that it does not know our session, so it did nothing. */
export class SessionLost extends Error {
  override readonly name = 'SessionLost';
}

function answerOf(tool: string, { content = [], structuredContent }: CallToolResult): ToolAnswer {
  const texts = content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  const others = content.filter((part) => part.type !== 'text');
  return {
    tool,
    text: texts.join('\n'),
    ...(structuredContent !== undefined && { structuredContent }),
    ...(others.length > 0 && { content: others }),
  };
}

/** Without a total nobody knows how far it is; every further step is half of what is left. */
function fractionOf(made: number, total: number | undefined): number {
  if (!Number.isFinite(made) || made <= 0) return 0;
  const fraction = total !== undefined && total > 0 ? made / total : made / (made + 1);
  return Math.min(1, fraction);
}

function explain(link: Link, tool: string, cause: unknown, { server, isRepeatable }: CallSettings): Error {
  if (cause instanceof OrchestratorError) return cause;
  const status = statusOf(cause);
  if (status === 401 || status === 403) return needsCredentials(server, `HTTP ${status}`, cause);
  if (status === 404 && link.process === undefined) return new SessionLost(messageOf(cause));
  const code = codeOf(cause);
  if (code === URL_ELICITATION_REQUIRED) return needsCredentials(server, messageOf(cause), cause);
  // A JSON-RPC error is an answer: the link is fine, and the same call would be answered the same.
  if (typeof code === 'number' && code !== STREAM_ENDED.code)
    return toolFailed(server, tool, messageOf(cause), { rpcCode: code });
  if (status !== undefined) return statusFailure(server, tool, status, cause);
  const broke =
    link.isLost || link.process === undefined || code === 'CONNECTION_CLOSED' || code === 'SEND_FAILED';
  if (!broke && typeof code === 'string') return toolFailed(server, tool, messageOf(cause), { reason: code });
  const how = link.reason ?? link.process?.end?.how ?? reasonOf(cause);
  const isUnsent = code === 'NOT_CONNECTED' || NEVER_SENT.includes(reasonOf(cause));
  const { end, stderr = '' } = link.process ?? {};
  return crashedInCall({ server, tool, how, end, stderr, isRepeatSafe: isRepeatable || isUnsent }, cause);
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}

function statusFailure(server: string, tool: string, status: number, cause: unknown): OrchestratorError {
  const isPassing = status === 408 || status === 429 || status >= 500;
  const advice = isPassing ? 'try again later' : 'check its address';
  const message = `"${server}" answered HTTP ${status} to a call of "${tool}"; ${advice}.`;
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { server, tool, status },
    { cause, retryable: isPassing },
  );
}
