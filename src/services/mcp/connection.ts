/**
 * Owns: the connection to one downstream server: at most one process or session, its tools, and when it is tried again.
 * Talks to: the SDK's client, the server's transport, the lock of approved tools.
 *
 * One file, because connecting, losing and trying again change the same few fields.
 *
 * - L1 However many calls come first, one connection is made; each caller may give up waiting for it.
 * - L2 Connecting ends within its own limit, and a connection that failed or broke leaves no process behind.
 * - L3 After each failure the next connection waits for its backoff, up to a cap; it is never given up.
 * - L4 A tool is called only as it was approved; the first list of a server is approved as it is.
 */
import type { Client, Transport } from '@modelcontextprotocol/client';
import { backoffMs } from '../../core/backoff.js';
import type { Clock } from '../../core/environment.js';
import { messageOf, OrchestratorError, shuttingDown } from '../../core/errors.js';
import { packageVersion } from '../../core/package-version.js';
import { withAbort } from '../with-abort.js';
import { type ArgumentCheck, createArgumentCheck } from './check-arguments.js';
import { cannotConnect, needsCredentials, reconnectsLater } from './mcp-errors.js';
import { type Dropped, ScreenedTransport } from './screened-transport.js';
import { StdioTransport } from './stdio-transport.js';
import { readTools } from './tool-list.js';
import type { ToolLock } from './tool-lock.js';
import type { ToolPolicy } from './tool-set.js';
import { ToolSet } from './tool-set.js';

const BACKOFF = { baseMs: 50, capMs: 30_000 };
/** A call waits that long for a connection that is not due yet; beyond, it is told when to come back. */
const LONGEST_WAIT_MS = 1000;

export interface ConnectionOptions {
  readonly server: string;
  /** Makes a transport that was not started. */
  readonly open: () => Transport | Promise<Transport>;
  readonly connectTimeoutMs: number;
  readonly pingTimeoutMs: number;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly lock: ToolLock;
  readonly policy: ToolPolicy;
  readonly trustsAnnotations: boolean;
  /** Told whenever the tools have changed. */
  readonly onTools: () => void;
}

/** A connection that stands, or stood. */
export interface Link {
  readonly client: Client;
  readonly transport: ScreenedTransport;
  /** The process behind it; undefined for a server behind an address. */
  readonly process: StdioTransport | undefined;
  readonly check: ArgumentCheck;
  tools: ToolSet;
  /** Names and sizes that were refused when the tools were read. */
  refusedTools: readonly string[];
  isLost: boolean;
  /** Why it was dropped by us; undefined when it broke by itself. */
  reason: string | undefined;
  calls: number;
  isBeingPinged: boolean;
}

/** What is known of a connection, for people. */
export interface ConnectionStatus {
  readonly state: 'idle' | 'connecting' | 'connected' | 'waiting';
  readonly lastError: string | null;
  /** Until the next connection may be tried, in milliseconds; null when it may be tried now. */
  readonly retryInMs: number | null;
  readonly strayLines: number;
  readonly dropped: Dropped | null;
}

export class Connection {
  readonly #options: ConnectionOptions;
  #link: Link | undefined;
  #connecting: Promise<Link> | undefined;
  #giveUp: AbortController | undefined;
  #failures = 0;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #settlesAtMs = 0;
  #lastError: OrchestratorError | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The tools as last seen, connected or not. */
  get tools(): ToolSet | undefined {
    return this.#link?.tools;
  }

  get status(): ConnectionStatus {
    const retryInMs = this.#retryAtMs - this.#options.clock.now();
    const isUp = this.#link !== undefined && !this.#link.isLost;
    const isWaiting = this.#failures > 0 && retryInMs > 0;
    return {
      state: isUp ? 'connected' : this.#connecting ? 'connecting' : isWaiting ? 'waiting' : 'idle',
      lastError: this.#lastError?.message ?? null,
      retryInMs: isUp || retryInMs <= 0 ? null : retryInMs,
      strayLines: this.#link?.process?.strayLines ?? 0,
      dropped: this.#link?.transport.dropped ?? null,
    };
  }

  /** In how many milliseconds the connection that is being made stands or has failed, at the latest; 0 when none is. */
  get settlesInMs(): number {
    return this.#connecting === undefined ? 0 : Math.max(0, this.#settlesAtMs - this.#options.clock.now());
  }

  /**
   * The connection, made if need be.
   *
   * @throws OrchestratorError `SERVICE_UNAVAILABLE` with `retryAfterSeconds` while it is not due, or when it cannot be
   * made; `SERVICE_AUTH_REQUIRED`; the signal's reason when it fires.
   */
  get(signal: AbortSignal): Promise<Link> {
    signal.throwIfAborted();
    if (this.#link !== undefined && !this.#link.isLost) return Promise.resolve(this.#link);
    if (this.#connecting === undefined) {
      const waitMs = this.#retryAtMs - this.#options.clock.now();
      if (waitMs > LONGEST_WAIT_MS && this.#lastError !== undefined)
        throw this.#notDue(waitMs, this.#lastError);
      this.#connecting = this.#connect(waitMs).finally(() => {
        this.#connecting = undefined;
      });
    }
    return withAbort(signal, this.#connecting);
  }

  /** A call on this link was answered: whatever went wrong before is over. */
  answered(): void {
    this.#failures = 0;
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Gives a link up; calls under way on it are told that it broke. */
  drop(link: Link, reason: string): void {
    if (link.isLost) return;
    link.reason = reason;
    void link.process?.kill(reason);
    this.#lost(link);
    void link.client.close().catch(() => {});
  }

  /**
   * Asks a process for a sign of life after a call that it did not answer; one that gives none is ended, because nothing
   * else would end it. Any answer counts, an error too.
   */
  async verify(link: Link): Promise<void> {
    if (link.isLost || link.isBeingPinged || link.process === undefined) return;
    const { clock, pingTimeoutMs } = this.#options;
    link.isBeingPinged = true;
    let isSilent = false;
    const limit = new AbortController();
    const timer = clock.setTimeout(() => {
      isSilent = true;
      limit.abort();
    }, pingTimeoutMs);
    try {
      await link.client.ping({ signal: limit.signal });
    } catch {
      if (isSilent) this.drop(link, `it gave no sign of life within ${pingTimeoutMs / 1000} s`);
    } finally {
      clock.clearTimeout(timer);
      link.isBeingPinged = false;
    }
  }

  /** Approves the present definitions of these tools, or of all that are in quarantine. */
  async approve(names?: readonly string[]): Promise<void> {
    const link = this.#link;
    if (link === undefined) return;
    const { lock, server } = this.#options;
    const wanted = link.tools.all.filter(({ name }) =>
      names === undefined ? link.tools.quarantined.has(name) : names.includes(name),
    );
    const approved = await lock.read(server);
    await lock.write(server, {
      ...approved,
      ...Object.fromEntries(wanted.map(({ name, hash }) => [name, hash])),
    });
    await this.#take(link, link.tools.all);
  }

  /** Ends the connection; a later call makes another one. */
  async close(): Promise<void> {
    this.#giveUp?.abort(shuttingDown());
    await this.#connecting?.catch(() => {});
    const link = this.#link;
    this.#link = undefined;
    if (link === undefined || link.isLost) return;
    link.isLost = true;
    link.reason = 'it was closed';
    link.process?.keepAlive(true);
    await link.client.close().catch(() => {});
  }

  async #connect(waitMs: number): Promise<Link> {
    const { clock, connectTimeoutMs, server } = this.#options;
    const limit = new AbortController();
    this.#giveUp = limit;
    this.#settlesAtMs = clock.now() + Math.max(0, waitMs) + connectTimeoutMs;
    let timer: unknown;
    let transport: Transport | undefined;
    try {
      if (waitMs > 0) await pause(clock, waitMs, limit.signal);
      timer = clock.setTimeout(
        () => limit.abort(new Error(`no connection within ${connectTimeoutMs / 1000} s`)),
        connectTimeoutMs,
      );
      transport = await this.#options.open();
      const link = await withAbort(limit.signal, this.#handshake(transport, limit.signal));
      if (link.isLost) throw new Error('it broke off at once');
      this.#link = link;
      link.process?.keepAlive(link.calls > 0);
      this.#options.onTools();
      return link;
    } catch (cause) {
      const error = explain(server, cause, transport);
      await end(transport);
      if (limit.signal.reason instanceof OrchestratorError) throw limit.signal.reason;
      this.#failed(error);
      throw error;
    } finally {
      clock.clearTimeout(timer);
      this.#giveUp = undefined;
    }
  }

  async #handshake(inner: Transport, signal: AbortSignal): Promise<Link> {
    const { clock, server, connectTimeoutMs } = this.#options;
    const [{ Client: McpClient }, check] = await Promise.all([
      import('@modelcontextprotocol/client'),
      createArgumentCheck(),
    ]);
    signal.throwIfAborted();
    const process = inner instanceof StdioTransport ? inner : undefined;
    const transport = new ScreenedTransport(inner, clock);
    const client: Client = new McpClient(
      { name: 'gaffr', version: packageVersion },
      {
        capabilities: {},
        // On stdio, finding out costs a process per connection.
        versionNegotiation: { mode: process === undefined ? 'auto' : 'legacy' },
        // A server that writes both schema and data could make the check take for ever; its data is only passed on.
        jsonSchemaValidator: {
          getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }),
        },
        listChanged: { tools: { autoRefresh: false, onChanged: () => void this.#reread(link) } },
      },
    );
    const link: Link = {
      client,
      transport,
      process,
      check,
      tools: new ToolSet([], {}, this.#options),
      refusedTools: [],
      isLost: false,
      reason: undefined,
      calls: 0,
      isBeingPinged: false,
    };
    client.onclose = () => this.#lost(link);
    // What the SDK cannot make sense of is told nowhere else, and means nothing to a caller.
    client.onerror = () => {};
    await client.connect(transport as Transport, { signal, timeout: connectTimeoutMs });
    const { tools, refused } = await readTools(client, server, signal);
    link.refusedTools = refused;
    await this.#take(link, tools, false);
    return link;
  }

  /** The server says that its tools have changed. */
  async #reread(link: Link): Promise<void> {
    const { clock, connectTimeoutMs, server } = this.#options;
    const limit = new AbortController();
    const timer = clock.setTimeout(() => limit.abort(), connectTimeoutMs);
    try {
      const { tools, refused } = await readTools(link.client, server, limit.signal);
      link.refusedTools = refused;
      await this.#take(link, tools);
    } catch (cause) {
      // The tools that were approved stay; a server that is broken shows it in its next call.
      this.#lastError = cannotConnect(
        server,
        `its tools cannot be read again: ${messageOf(cause)}`,
        '',
        cause,
      );
    } finally {
      clock.clearTimeout(timer);
    }
  }

  async #take(link: Link, tools: ToolSet['all'], isTold = true): Promise<void> {
    const { lock, server, onTools } = this.#options;
    let approved = await lock.read(server);
    if (approved === null && tools.length > 0) {
      approved = Object.fromEntries(tools.map(({ name, hash }) => [name, hash]));
      await lock.write(server, approved);
    }
    link.tools = new ToolSet(tools, approved ?? {}, this.#options);
    if (isTold) onTools();
  }

  #lost(link: Link): void {
    if (link.isLost) return;
    link.isLost = true;
    if (this.#link !== link) return;
    const why = link.reason ?? link.process?.end?.how ?? 'the connection broke';
    this.#failed(cannotConnect(this.#options.server, why, link.process?.stderr ?? '', undefined));
  }

  #failed(error: OrchestratorError): void {
    const { clock, random } = this.#options;
    this.#lastError = error;
    this.#failures += 1;
    this.#retryAtMs = clock.now() + backoffMs(BACKOFF, this.#failures - 1, random);
  }

  #notDue(waitMs: number, lastError: OrchestratorError): OrchestratorError {
    if (lastError.code === 'SERVICE_AUTH_REQUIRED') return lastError;
    return reconnectsLater(this.#options.server, waitMs, lastError);
  }
}

/** A process that did not connect is of no use: it is not asked to end. */
async function end(transport: Transport | undefined): Promise<void> {
  if (transport instanceof StdioTransport) await transport.kill('it did not connect');
  else await transport?.close().catch(() => {});
}

function explain(server: string, cause: unknown, transport: Transport | undefined): OrchestratorError {
  const status = statusOf(cause);
  if (status === 401 || status === 403) return needsCredentials(server, `HTTP ${status}`, cause);
  if (cause instanceof OrchestratorError && cause.code !== 'SERVICE_UNAVAILABLE') return cause;
  const process = transport instanceof StdioTransport ? transport : undefined;
  const why = cause instanceof OrchestratorError ? cause.message : (process?.end?.how ?? reasonOf(cause));
  return cannotConnect(server, why, process?.stderr ?? '', cause);
}

/** The HTTP status of an SDK's error; the class itself is not loaded here. */
export function statusOf(cause: unknown): number | undefined {
  if (!(cause instanceof Error)) return undefined;
  if (cause.name === 'UnauthorizedError') return 401;
  const status = 'status' in cause ? cause.status : undefined;
  return typeof status === 'number' ? status : undefined;
}

/** "fetch failed" has what happened as its cause. */
export function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : undefined;
  if (inner === undefined) return messageOf(cause);
  return 'code' in inner ? String(inner.code) : messageOf(inner);
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  let timer: unknown;
  const wait = new Promise<void>((resolve) => {
    timer = clock.setTimeout(resolve, ms);
  });
  return withAbort(signal, wait).finally(() => clock.clearTimeout(timer));
}
