import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';
import type { Log } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import { answerToolCall } from './answer-tool-call.js';
import { isNotification, isPlainToolCall, isRequest, type PlainToolCall } from './messages.js';
import { Presence } from './presence.js';
import type { ProgressUpdate } from './progress.js';
import type { RunStore } from './runs/run-store.js';
import type { Tool } from './tools/define-tool.js';
import { findTool } from './tools/tool-table.js';

/** What the lane's calls are made with. */
export interface ToolLanePorts {
  readonly orchestrator: OrchestratorPort;
  readonly runs: RunStore;
  readonly log: Log;
}

type RequestId = PlainToolCall['id'];

/**
 * A transport that answers plain calls of known tools itself and leaves all else to the SDK above it, which would parse
 * each of them eight times: half of a short call's round trip. Only the connection of an `initialize` takes it (the 2025
 * era); in the 2026 era every call has an envelope that the SDK has to judge.
 *
 * Owns: the calls it has under way. Talks to: the transport below, the SDK above, the orchestrator.
 * Invariants:
 * - L1 a call that is cancelled gets no answer; one whose cancel came in the same chunk never starts;
 * - L2 when the connection ends, the callers of its calls leave first.
 */
export class ToolLane implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: Transport['onmessage'];

  readonly #inner: Transport;
  readonly #ports: ToolLanePorts;
  readonly #live = new Map<RequestId, Presence>();
  /** Id of an `initialize` that is not answered yet. */
  #opening: RequestId | undefined;
  #isOpen = false;

  constructor(inner: Transport, ports: ToolLanePorts) {
    this.#inner = inner;
    this.#ports = ports;
  }

  async start(): Promise<void> {
    this.#inner.onmessage = (message, extra) => {
      if (!this.#takes(message)) this.onmessage?.(message, extra);
    };
    this.#inner.onerror = (error) => this.onerror?.(error);
    this.#inner.onclose = () => {
      const reason = new Error('The connection closed.');
      for (const presence of this.#live.values()) presence.leave('cancelled', reason);
      this.#live.clear();
      this.onclose?.();
    };
    await this.#inner.start();
  }

  send(message: JSONRPCMessage, options?: Parameters<Transport['send']>[1]): Promise<void> {
    if (this.#opening !== undefined && 'id' in message && message.id === this.#opening) {
      this.#opening = undefined;
      this.#isOpen ||= 'result' in message;
    }
    return this.#inner.send(message, options);
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  #takes(message: JSONRPCMessage): boolean {
    if (isPlainToolCall(message)) {
      const tool = this.#isOpen ? findTool(message.params.name) : undefined;
      if (tool === undefined) return false;
      void this.#answer(message, tool);
      return true;
    }
    if (isRequest(message) && message.method === 'initialize') this.#opening = message.id;
    if (!isNotification(message) || message.method !== 'notifications/cancelled') return false;
    const { requestId, reason } = message.params ?? {};
    const presence = this.#live.get(requestId as RequestId);
    presence?.leave('cancelled', reason);
    return presence !== undefined;
  }

  async #answer({ id, params }: PlainToolCall, tool: Tool): Promise<void> {
    const presence = new Presence();
    this.#live.set(id, presence);
    // The rest of the chunk is read first: it may hold the cancel.
    await undefined;
    if (presence.departure === undefined) {
      const sendProgress = this.#progressOf(params, presence);
      const { orchestrator, runs, log } = this.#ports;
      const call = { orchestrator, runs, principal: null, presence };
      const result = await answerToolCall(tool, params.arguments ?? {}, call, { log, sendProgress });
      if (presence.departure === undefined) this.#post({ jsonrpc: '2.0', id, result });
    }
    // A cancelled id may be in use again.
    if (this.#live.get(id) === presence) this.#live.delete(id);
  }

  #progressOf({ _meta }: PlainToolCall['params'], presence: Presence) {
    const progressToken = _meta?.progressToken;
    if (progressToken === undefined) return undefined;
    return async (update: ProgressUpdate): Promise<void> => {
      if (presence.departure !== undefined) return;
      const params = { progressToken, total: 1, ...update };
      await this.#inner.send({ jsonrpc: '2.0', method: 'notifications/progress', params });
    };
  }

  #post(message: JSONRPCMessage): void {
    this.#inner.send(message).catch((cause) => this.onerror?.(cause));
  }
}
