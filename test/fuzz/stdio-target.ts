import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../simulation/random.js';
import { ServerProcess } from './child.js';
import { inputOf } from './inputs.js';
import { Expectations, Violation } from './judge.js';
import type { Tally } from './tally.js';

/** How long an answer may take, in milliseconds; the first one waits for the process to start on a busy machine. */
const PATIENCE_MS = 20_000;
const START_MS = 60_000;

/** Ways in which clients open a connection; the rules hold for every one of them. */
const OPENINGS: readonly string[] = [
  '{"jsonrpc":"2.0","id":"open","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"fuzz","version":"1"}}}',
  '{"jsonrpc":"2.0","id":"open","method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}',
  '{"jsonrpc":"2.0","method":"notifications/initialized"}',
  'no JSON',
];

/** Writes the inputs of some seeds to one server over stdio. @throws Violation when it does what it must not. */
export async function fuzzStdio(seeds: readonly number[], batchSize: number): Promise<Tally> {
  const server = new ServerProcess();
  const conversation = new Conversation(server);
  try {
    const opening = Buffer.from(seeded(seeds[0] ?? 0, 3).pick(OPENINGS));
    conversation.write(opening);
    await conversation.settle(seeds.slice(0, 1), START_MS);
    for (let from = 0; from < seeds.length; from += batchSize) {
      const batch = seeds.slice(from, from + batchSize);
      for (const seed of batch) conversation.write(inputOf(seed).bytes);
      await conversation.settle(batch);
    }
    await conversation.end();
    return { inputs: seeds.length, answers: conversation.answers };
  } finally {
    await server.kill();
  }
}

class Conversation {
  readonly #server: ServerProcess;
  readonly #expectations = new Expectations();
  #fault: unknown;
  #markers = 0;

  constructor(server: ServerProcess) {
    this.#server = server;
    createInterface({ input: server.child.stdout }).on('line', (line) => this.#hear(line));
  }

  get answers(): number {
    return this.#expectations.answers;
  }

  write(line: Buffer): void {
    this.#expectations.sent(line);
    this.#server.child.stdin.write(Buffer.concat([line, Buffer.from('\n')]));
  }

  /** Waits until everything that was asked has been answered: the last question shows that the server still reads. */
  async settle(seeds: readonly number[], patienceMs = PATIENCE_MS): Promise<void> {
    this.#markers += 1;
    this.write(Buffer.from(`{"jsonrpc":"2.0","id":"marker ${this.#markers}","method":"tools/list"}`));
    const told = `seeds ${seeds[0]} to ${seeds.at(-1)} over stdio`;
    for (const deadline = Date.now() + patienceMs; ; await sleep(2)) {
      if (this.#fault !== undefined) throw new Violation(`${told}: ${(this.#fault as Error).message}`);
      if (this.#server.hasEnded) {
        throw new Violation(
          `${told}: the server ended with ${await this.#server.exited}\n${this.#server.stderr}`,
        );
      }
      const missing = this.#expectations.missing();
      if (missing.length === 0) return;
      if (Date.now() > deadline) throw new Violation(`${told}: no answer to ${JSON.stringify(missing)}`);
    }
  }

  async end(): Promise<void> {
    this.#server.child.stdin.end();
    await Promise.race([once(this.#server.child, 'exit'), sleep(PATIENCE_MS, undefined, { ref: false })]);
    const { exitCode } = this.#server.child;
    if (exitCode !== 0) throw new Violation(`the server did not end with 0 after its input: ${exitCode}`);
  }

  #hear(line: string): void {
    try {
      this.#expectations.received(JSON.parse(line));
    } catch (cause) {
      this.#fault ??=
        cause instanceof Violation ? cause : new Violation(`stdout is not pure: ${line.slice(0, 300)}`);
    }
  }
}
