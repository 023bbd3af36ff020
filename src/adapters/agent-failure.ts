import { messageOf, OrchestratorError } from '../core/errors.js';
import { readRetryAfter } from '../services/retry-after.js';

const LONGEST_MESSAGE = 1000;
/** Frameworks wrap what a provider threw: in `cause`, `lastError`, `error`. */
const DEEPEST_WRAP = 6;
const NETWORK_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Understands what a framework threw: an HTTP status or a network fault at the bottom of it, else the agent's own failure.
 * Total.
 *
 * @param who - For example `Agent "research"`.
 * @param mayRepeat - Whether the work may be done again: an agent that broke down half-way has done half of it.
 */
export function agentFailure(who: string, cause: unknown, mayRepeat: boolean): OrchestratorError {
  try {
    return understand(who, cause, mayRepeat);
  } catch {
    // Its getters throw.
    const message = `${who} failed with an error that cannot be read.`;
    return new OrchestratorError(
      'SERVICE_FAILED',
      message,
      {},
      { retryable: false, isTransportFault: false },
    );
  }
}

function understand(who: string, cause: unknown, mayRepeat: boolean): OrchestratorError {
  const chain = [...layersOf(cause)];
  const own = chain.find((each) => each instanceof OrchestratorError);
  if (own instanceof OrchestratorError) return own;
  const said = `${labelOf(cause)}${messageOf(cause).slice(0, LONGEST_MESSAGE)}`;
  const status = chain.map(statusOf).find((each) => each !== undefined);
  if (status === 401 || status === 403) {
    const message = `${who} was refused by the provider of its model (HTTP ${status}): ${said}; set a valid key.`;
    return new OrchestratorError('SERVICE_AUTH_REQUIRED', message, { status }, { cause });
  }
  const isPassing = status === 408 || status === 429 || (status !== undefined && status >= 500);
  const isNetwork = status === undefined && chain.some(({ code }) => NETWORK_CODES.has(code));
  const retryAfterSeconds = isPassing
    ? chain.map(retryAfterOf).find((each) => each !== undefined)
    : undefined;
  return new OrchestratorError(
    'SERVICE_FAILED',
    `${who} failed: ${said}`,
    {
      ...(status !== undefined && { status }),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    },
    { cause, retryable: mayRepeat, isTransportFault: isNetwork || (isPassing && status !== 429) },
  );
}

type Layer = Readonly<Record<string, unknown>>;

function* layersOf(cause: unknown): Generator<Layer> {
  let layer = cause;
  for (let depth = 0; depth < DEEPEST_WRAP && typeof layer === 'object' && layer !== null; depth += 1) {
    const seen = layer as Layer;
    yield seen;
    layer = [seen.lastError, seen.cause, seen.error].find(
      (each) => typeof each === 'object' && each !== null,
    );
  }
}

function statusOf({ statusCode, status }: Layer): number | undefined {
  return [statusCode, status].find((each): each is number => typeof each === 'number' && each >= 400);
}

function retryAfterOf({ responseHeaders, headers }: Layer): number | undefined {
  const found = responseHeaders ?? headers;
  if (typeof found !== 'object' || found === null) return undefined;
  // A `Headers` keeps its members to itself, so it is copied; a record is one already.
  const readable = found instanceof Headers ? found : new Headers(Object.entries(found).filter(isTextPair));
  return readRetryAfter(readable, Date.now());
}

function isTextPair(pair: [string, unknown]): pair is [string, string] {
  return typeof pair[1] === 'string';
}

/** Name of an error that says more than "Error". */
function labelOf(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  const name = cause.name === 'Error' ? cause.constructor.name : cause.name;
  return name === 'Error' || name === '' ? '' : `${name}: `;
}
