import type { Transport } from '@modelcontextprotocol/client';
import type * as z from 'zod';
import { systemClock } from '../../core/clock.js';
import { OrchestratorError } from '../../core/errors.js';
import { Redactor } from '../../core/redactor.js';
import type { Service, ServiceContext } from '../../core/service.js';
import { childEnvironment, resolveAll } from '../child-environment.js';
import { patientFetch } from '../patient-fetch.js';
import { redactedAttempt } from '../redacted-service.js';
import { addSecrets } from '../secrets.js';
import { compileRules } from './call-rules.js';
import { callTool, SessionLost, type ToolAnswer } from './call-tool.js';
import { Connection, type ConnectionStatus, type Link } from './connection.js';
import { httpTransport } from './http-transport.js';
import { notRepeated, stillConnecting } from './mcp-errors.js';
import type { mcpOptionsSchema } from './mcp-options.js';
import { planCall, type ToolCall } from './plan-call.js';
import { StdioTransport } from './stdio-transport.js';
import { memoryToolLock } from './tool-lock.js';

/** A tool of a downstream server, as a service shows it. */
export interface McpTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: unknown;
  readonly isReadOnly: boolean;
  /** Why it is not called until it is approved; null when it may be called. */
  readonly quarantined: string | null;
}

/** A service over one downstream MCP server. */
export interface McpService extends Service {
  /** Connects if need be and lists the tools that are offered, those in quarantine too. Rejects as a task would. */
  listTools(signal?: AbortSignal): Promise<readonly McpTool[]>;
  /** Approves the present definitions of these tools; without names, of all in quarantine. */
  approveTools(names?: readonly string[]): Promise<void>;
  /** How the connection does. */
  readonly connection: ConnectionStatus;
}

type Options = z.output<typeof mcpOptionsSchema>;

/** Characters of tools that routing is given; a server cannot make itself heard by talking more. */
const PROFILE_CHARACTERS = 2048;
const DESCRIPTION_CHARACTERS = 160;
/** How long an attempt waits for a connection for which another one waits already. */
const CONNECTING_PATIENCE_MS = 4000;
/** Tasks of which it is remembered that a call without an answer was made; the oldest goes first. */
const MOST_REMEMBERED = 10_000;

/**
 * Owns: the connection, and of which tasks a call was left without an answer. One file: every part of it is one step of an
 * attempt.
 */
export class Downstream {
  readonly #options: Options;
  readonly #isIdempotent: boolean;
  readonly #connection: Connection;
  readonly #rule: ReturnType<typeof compileRules>;
  readonly #listeners = new Set<() => void>();
  readonly #unanswered = new Set<string>();
  readonly #redactor = new Redactor();
  /** Attempts that wait for a connection. */
  #reaching = 0;
  #isKept = false;

  constructor(options: Options, isIdempotent: boolean) {
    this.#options = options;
    this.#isIdempotent = isIdempotent;
    this.#rule = compileRules(options.rules);
    this.#connection = new Connection({
      server: options.name,
      open: () => this.#open(),
      connectTimeoutMs: options.connectTimeoutSeconds * 1000,
      pingTimeoutMs: options.pingTimeoutSeconds * 1000,
      clock: options.clock ?? systemClock,
      random: options.random ?? Math.random,
      lock: options.lock ?? memoryToolLock(),
      policy: options.tools,
      trustsAnnotations: options.trustAnnotations,
      onTools: () => {
        for (const listener of this.#listeners) listener();
      },
    });
  }

  service(): McpService {
    const connection = this.#connection;
    // A server may write what it was given into the descriptions of its tools.
    const profile = (): NonNullable<Service['tools']> => this.#redactor.value(profileOf(connection));
    return {
      trusted: false,
      get tools() {
        return profile();
      },
      execute: (task, context) =>
        redactedAttempt(context, this.#redactor, (clean) => this.#attempt(task, clean)),
      onProfileChange: (listener) => this.#watch(listener),
      close: () => {
        this.#isKept = false;
        return connection.close();
      },
      listTools: (signal = new AbortController().signal) => this.#listTools(signal),
      approveTools: (names) => connection.approve(names),
      get connection() {
        return connection.status;
      },
    };
  }

  async #attempt(task: string, context: ServiceContext): Promise<ToolAnswer> {
    const { attempt, signal, taskId } = context;
    const { name: server, maxResultBytes } = this.#options;
    for (let isSecondTry = false; ; isSecondTry = true) {
      const link = await this.#reach(signal);
      const call = await this.#plan(task, context, link);
      const isRepeatable = this.#isIdempotent || link.tools.isRepeatable(call.tool);
      if (attempt > 1 && !isRepeatable && this.#unanswered.has(taskId))
        throw notRepeated(server, call.tool.name);
      try {
        return await this.#call(link, call, context, { server, maxResultBytes, isRepeatable });
      } catch (error) {
        // A server that was restarted has forgotten its sessions and took nothing of the call: a fresh one is made.
        if (!(error instanceof SessionLost)) throw error;
        this.#connection.drop(link, 'it has forgotten the session');
        if (isSecondTry)
          throw new OrchestratorError(
            'SERVICE_UNAVAILABLE',
            `"${server}" answers HTTP 404; check its address.`,
            { server },
          );
        this.#connection.answered();
      }
    }
  }

  /**
   * One attempt waits for a connection as long as that takes; those beside it wait shortly, so that a server which hangs
   * at its start does not hold the parallel slots of others.
   */
  async #reach(signal: AbortSignal): Promise<Link> {
    const { clock = systemClock, name } = this.#options;
    const isFirst = this.#reaching === 0;
    this.#reaching += 1;
    let timer: unknown;
    try {
      const link = this.#connection.get(signal);
      if (isFirst) return await link;
      const patience = new Promise<never>((_resolve, reject) => {
        timer = clock.setTimeout(
          () => reject(stillConnecting(name, this.#connection.settlesInMs)),
          CONNECTING_PATIENCE_MS,
        );
      });
      return await Promise.race([link, patience]);
    } finally {
      this.#reaching -= 1;
      clock.clearTimeout(timer);
    }
  }

  async #call(
    link: Link,
    call: ToolCall,
    context: ServiceContext,
    settings: Parameters<typeof callTool>[3],
  ): Promise<ToolAnswer> {
    const { signal, taskId } = context;
    link.calls += 1;
    link.process?.keepAlive(true);
    let isAnswered = false;
    try {
      const answer = await callTool(link, call, context, settings);
      isAnswered = true;
      return answer;
    } catch (error) {
      isAnswered = !signal.aborted && error instanceof OrchestratorError && !error.isTransportFault;
      if (!isAnswered && !(error instanceof SessionLost)) this.#remember(taskId, error);
      // Cancelled or timed out: a process that answers nothing at all any more must not serve the next call.
      if (signal.aborted) void this.#connection.verify(link);
      throw error;
    } finally {
      link.calls -= 1;
      if (link.calls === 0) link.process?.keepAlive(false);
      if (isAnswered) {
        this.#unanswered.delete(taskId);
        this.#connection.answered();
      }
    }
  }

  /** What was never sent had no effects. */
  #remember(taskId: string, error: unknown): void {
    if (error instanceof OrchestratorError && error.isRepeatSafe) return;
    if (this.#unanswered.size >= MOST_REMEMBERED) {
      this.#unanswered.delete(this.#unanswered.values().next().value as string);
    }
    this.#unanswered.add(taskId);
  }

  #plan(task: string, context: ServiceContext, { tools, check }: Link): Promise<ToolCall> {
    const { name: server, defaultTool, autoSelect, planner } = this.#options;
    return planCall(task, context, {
      server,
      tools,
      check,
      rule: this.#rule,
      defaultTool,
      autoSelect,
      planner,
    });
  }

  async #listTools(signal: AbortSignal): Promise<McpTool[]> {
    const { tools } = await this.#connection.get(signal);
    const shown = tools.all.filter(
      ({ name }) => tools.get(name) !== undefined || tools.quarantined.has(name),
    );
    const listed = shown.map((tool) => ({
      name: tool.name,
      description: tool.description,
      inputSchema: tool.definition.inputSchema,
      isReadOnly: tools.isReadOnly(tool),
      quarantined: tools.quarantined.get(tool.name) ?? null,
    }));
    return this.#redactor.value(listed);
  }

  async #open(): Promise<Transport> {
    const { transport, clock = systemClock, fetch: fetched = patientFetch } = this.#options;
    if (transport.kind === 'stdio') {
      const { command, args, cwd } = transport;
      const env = childEnvironment(transport);
      addSecrets(this.#redactor, transport.env, env);
      return new StdioTransport({ file: command, args, env, ...(cwd !== undefined && { cwd }) }, clock);
    }
    const headers = resolveAll(transport.headers);
    addSecrets(this.#redactor, transport.headers, headers);
    return httpTransport({ url: transport.url, headers, fetch: fetched });
  }

  /** Whoever listens wants to know the tools: with `connect: 'at-start'` that starts the server. */
  #watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#options.connect === 'at-start' && !this.#isKept) {
      this.#isKept = true;
      void this.#keepUp();
    }
    return () => void this.#listeners.delete(listener);
  }

  async #keepUp(): Promise<void> {
    const { clock = systemClock } = this.#options;
    const never = new AbortController().signal;
    while (this.#isKept) {
      try {
        await this.#connection.get(never);
        return;
      } catch {
        // Told by `connection`; tried again for ever.
        const waitMs = Math.max(this.#connection.status.retryInMs ?? 0, LEAST_PAUSE_MS);
        await new Promise<void>((resolve) => {
          const timer = clock.setTimeout(resolve, waitMs);
          // Waiting is no reason to keep a process alive.
          if (typeof timer === 'object' && timer !== null && 'unref' in timer)
            (timer as NodeJS.Timeout).unref();
        });
      }
    }
  }
}

const LEAST_PAUSE_MS = 50;

/** Names and beginnings of descriptions, as many as fit. */
function profileOf({ tools }: Connection): { name: string; description: string }[] {
  let left = PROFILE_CHARACTERS;
  const profile: { name: string; description: string }[] = [];
  for (const { name, description } of tools?.callable ?? []) {
    const short = description.slice(0, DESCRIPTION_CHARACTERS);
    left -= name.length + short.length + 2;
    if (left < 0) break;
    profile.push({ name, description: short });
  }
  return profile;
}
