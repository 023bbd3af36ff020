import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { CpuReports, REPORTER_ARGS } from './cpu-reports.js';
import type { ConnectClient, ToolAnswer, ToolClient } from './tool-client.js';

interface Answer {
  readonly id: number;
  readonly result?: ToolAnswer;
  readonly error?: unknown;
}

type Server = ChildProcessByStdio<Writable, Readable, Readable>;

const PROTOCOL_VERSION = '2025-11-25';

/** Writes and reads raw lines of the 2025 era: what is left is the server. */
export const connectLineClient: ConnectClient = async (args) => {
  const client = new LineClient(args);
  await client.initialize();
  return client;
};

class LineClient implements ToolClient {
  readonly #server: Server;
  readonly #reports: CpuReports;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;
  #rest = '';

  constructor(args: readonly string[]) {
    this.#server = spawn(process.execPath, [...REPORTER_ARGS, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#reports = new CpuReports(this.#server.pid as number, this.#server.stderr);
    this.#server.stdout.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.#server.once('exit', (code) => {
      for (const answer of this.#waiting.values()) answer({ id: 0, error: `the server ended with ${code}` });
    });
  }

  async initialize(): Promise<void> {
    const clientInfo = { name: 'bench', version: '1' };
    await this.#request('initialize', { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo });
    this.#send({ method: 'notifications/initialized' });
  }

  callTool(name: string, args: Readonly<Record<string, unknown>>): Promise<ToolAnswer> {
    return this.#request('tools/call', { name, arguments: args });
  }

  cpuMicros(): Promise<number> {
    return this.#reports.next();
  }

  async close(): Promise<void> {
    const exited = once(this.#server, 'exit');
    this.#server.stdin.end();
    await exited;
  }

  async #request(method: string, params: object): Promise<ToolAnswer> {
    const id = ++this.#lastId;
    const { result, error } = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send({ id, method, params });
    });
    if (result === undefined) throw new Error(`"${method}" was refused: ${JSON.stringify(error)}`);
    return result;
  }

  #send(message: object): void {
    this.#server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  #take(text: string): void {
    const lines = `${this.#rest}${text}`.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const answer = JSON.parse(line) as Answer;
      const resolve = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      resolve?.(answer);
    }
  }
}
