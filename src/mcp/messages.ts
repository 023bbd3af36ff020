import {
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
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

/**
 * Reads one message of JSON-RPC.
 *
 * @throws SyntaxError when the line is no JSON, and the SDK's error when it is no message.
 */
export function readMessage(line: string): JSONRPCMessage {
  const value: unknown = JSON.parse(line);
  // The SDK's schema accepts these too; it only takes longer to say so.
  return isPlainToolCall(value) ? value : parseJSONRPCMessage(value);
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
