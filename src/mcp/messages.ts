import {
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  ProtocolErrorCode,
  parseJSONRPCMessage,
} from '@modelcontextprotocol/server';

/** A call of a tool that asks for nothing beyond it: no envelope of the 2026 era, no task. */
export interface PlainToolCall extends JSONRPCRequest {
  readonly method: 'tools/call';
  readonly params: {
    readonly name: string;
    readonly arguments?: Record<string, unknown>;
    readonly _meta?: { readonly progressToken?: string | number };
  };
}

/** Reads one message of JSON-RPC from a value of JSON. @throws the SDK's error when it is none. */
export function readMessage(value: unknown): JSONRPCMessage {
  // The SDK's schema accepts these too; it only takes longer to say so.
  return isPlainToolCall(value) ? value : parseJSONRPCMessage(value);
}

/**
 * Refuses what was meant as a request and is none, such as one with metadata of the wrong type, so that nobody waits for
 * its answer. A batch, which MCP has no more, counts as that many requests.
 */
export function refuseUnreadable(value: unknown): JSONRPCMessage[] {
  const meant = Array.isArray(value) ? value : [value];
  const message = Array.isArray(value)
    ? 'MCP has no batches; send one message a line.'
    : 'This is no request of JSON-RPC 2.0 as MCP defines it; nothing was done.';
  const error = { code: ProtocolErrorCode.InvalidRequest, message };
  return meant
    .filter((each) => isRecord(each) && typeof each.method === 'string' && isIdentifier(each.id))
    .map(({ id }) => ({ jsonrpc: '2.0', id, error }));
}

// These two tell apart what has been read or was made here; they do not check it.

export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message;
}

export function isNotification(message: JSONRPCMessage): message is JSONRPCNotification {
  return 'method' in message && !('id' in message);
}

/** Whether a value, as JSON.parse made it, asks for a listening stream of the 2026 era, whose answer is its end. */
export function isListenRequest(value: unknown): boolean {
  return isRecord(value) && value.method === 'subscriptions/listen' && isIdentifier(value.id);
}

/** Whether a value, as JSON.parse made it, is a {@link PlainToolCall} and nothing more. */
export function isPlainToolCall(value: unknown): value is PlainToolCall {
  if (!isRecord(value) || value.jsonrpc !== '2.0' || value.method !== 'tools/call') return false;
  return isIdentifier(value.id) && isPlainParams(value.params) && Object.keys(value).length === 4;
}

function isPlainParams(params: unknown): boolean {
  if (!isRecord(params) || typeof params.name !== 'string') return false;
  for (const key of Object.keys(params)) {
    if (
      key === 'arguments'
        ? !isRecord(params[key])
        : key === '_meta'
          ? !isPlainMeta(params[key])
          : key !== 'name'
    )
      return false;
  }
  return true;
}

function isPlainMeta(meta: unknown): boolean {
  return (
    isRecord(meta) && Object.keys(meta).every((key) => key === 'progressToken' && isIdentifier(meta[key]))
  );
}

function isIdentifier(value: unknown): value is string | number {
  return typeof value === 'string' || Number.isSafeInteger(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
