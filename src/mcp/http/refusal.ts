/** Id of a JSON-RPC request, as far as it is known. */
export type RequestId = string | number | null;

/** What JSON-RPC has no code of its own for. */
const REFUSED = -32000;
export const SESSION_NOT_FOUND = -32001;
export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;

/** A refusal: what the status line says, and the JSON-RPC error in the body. */
export interface Refusal {
  readonly status: number;
  /** Default: -32000. */
  readonly code?: number;
  readonly message: string;
  readonly id?: RequestId;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The body of a refusal. Every refusal is JSON, whoever sends it, so that no client has to read HTML. */
export function refusalBody({ code = REFUSED, message, id = null }: Refusal): string {
  return JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id });
}

/** The answer to a request that is refused. */
export function refuse(refusal: Refusal): Response {
  const headers = { ...refusal.headers, 'content-type': 'application/json' };
  return new Response(refusalBody(refusal), { status: refusal.status, headers });
}

/** The id to repeat in a refusal: that of a single request. */
export function idOf(body: unknown): RequestId {
  const { method, id } = (body ?? {}) as { readonly method?: unknown; readonly id?: unknown };
  return typeof method === 'string' && (typeof id === 'string' || typeof id === 'number') ? id : null;
}
