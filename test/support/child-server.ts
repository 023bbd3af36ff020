import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Node arguments that start the fixture server from its source. */
export const FIXTURE_ARGS: readonly string[] = [
  '--import',
  'tsx',
  fileURLToPath(new URL('../fixtures/stdio-server.ts', import.meta.url)),
];

/** A JSON-RPC message as it came over the wire. */
export interface Message {
  readonly jsonrpc?: string;
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

/** A server process, spoken to in raw lines. */
export class ChildServer {
  readonly child: ChildProcessWithoutNullStreams;
  readonly messages: Message[] = [];
  /** Lines of stdout that are no JSON. */
  readonly strayLines: string[] = [];
  stderr = '';
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly #waiters = new Set<() => void>();

  constructor(args: readonly string[] = FIXTURE_ARGS) {
    this.child = spawn(process.execPath, [...args], { stdio: 'pipe' });
    this.exited = once(this.child, 'close').then(([code, signal]) => ({ code, signal }));
    this.child.stdin.on('error', () => {});
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#take(line));
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
      this.#wake();
    });
    this.child.on('close', () => this.#wake());
  }

  /** Opens a connection of the 2025 era. */
  async initialize(): Promise<void> {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'raw', version: '1' },
    };
    this.send({ jsonrpc: '2.0', id: 'init', method: 'initialize', params });
    await this.answer('init');
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  send(message: unknown): void {
    this.sendLine(JSON.stringify(message));
  }

  sendLine(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  call(id: string | number, args: Record<string, unknown>, meta?: Record<string, unknown>): void {
    const params = { name: 'execute', arguments: args, ...(meta && { _meta: meta }) };
    this.send({ jsonrpc: '2.0', id, method: 'tools/call', params });
  }

  /** The answer to a request. */
  async answer(id: string | number): Promise<Message> {
    const isAnswer = (message: Message) => message.id === id && message.method === undefined;
    await this.until(() => this.messages.some(isAnswer), `an answer to ${id}`);
    return this.messages.find(isAnswer) as Message;
  }

  answersTo(id: string | number): Message[] {
    return this.messages.filter((message) => message.id === id && message.method === undefined);
  }

  /** Waits until stderr contains a text. */
  async said(text: string): Promise<void> {
    await this.until(() => this.stderr.includes(text), `"${text}" on stderr`);
  }

  async until(isTrue: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!isTrue()) {
      if (this.child.exitCode !== null)
        throw new Error(`the server ended while waiting for ${what}\n${this.stderr}`);
      if (Date.now() > deadline) throw new Error(`no ${what} within 10 s\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#waiters.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.exited;
  }

  #take(line: string): void {
    try {
      this.messages.push(JSON.parse(line));
    } catch {
      this.strayLines.push(line);
    }
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }
}
