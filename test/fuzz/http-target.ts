import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServerProcess } from './child.js';
import { readAnswers } from './http-answer.js';
import { httpInputOf, type Place } from './http-inputs.js';
import { inputOf } from './inputs.js';
import { Expectations, Violation } from './judge.js';
import type { Tally } from './tally.js';

const TOKEN = 'a token of the fuzzer, which has 32 characters and more'.replaceAll(/[ ,]/g, '-');
/** How long an answer may take, in milliseconds. */
const PATIENCE_MS = 20_000;
/** How long a stream that stays open is listened to, in milliseconds. */
const LISTEN_MS = 100;
const AT_ONCE = 24;

const FLAGS = ['callsPerSecond=1000000000', 'callsBurst=1000000000', 'callsAtOnce=1000', 'sessions=1000000'];
// A request whose end never comes is given up soon.
const TIMES = ['headersSeconds=0.5', 'requestSeconds=0.5'];

/** Sends the inputs of some seeds to one server over HTTP. @throws Violation when it does what it must not. */
export async function fuzzHttp(seeds: readonly number[], batchSize: number): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-fuzz-'));
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  const limits = [...FLAGS, ...TIMES].flatMap((limit) => ['--http-limit', limit]);
  const server = new ServerProcess('--http', '0', '--token-file', tokenFile, ...limits);
  try {
    const port = await server.port();
    const heard: Heard = { answers: 0, statuses: {} };
    for (let from = 0; from < seeds.length; from += batchSize) {
      await sendBatch(seeds.slice(from, from + batchSize), port, { server, heard });
    }
    server.child.kill('SIGTERM');
    const end = await Promise.race([server.exited, sleep(PATIENCE_MS, 'nothing', { ref: false })]);
    if (end !== 0) throw new Violation(`the server ended with ${end} after SIGTERM`);
    return { inputs: seeds.length, ...heard };
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What one server has answered so far. */
interface Heard {
  answers: number;
  /** How often each status came. */
  readonly statuses: Record<number, number>;
}

interface Run {
  readonly server: ServerProcess;
  readonly heard: Heard;
}

async function sendBatch(seeds: readonly number[], port: number, { server, heard }: Run): Promise<void> {
  const session = await openSession(port);
  const place: Place = { port, token: TOKEN, session };
  const waiting = [...seeds];
  const sendNext = async (): Promise<void> => {
    for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
      try {
        await sendOne(seed, place, heard);
      } catch (cause) {
        throw new Violation(
          `seed ${seed} over HTTP: ${(cause as Error).message}\n${server.stderr.slice(-3000)}`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendNext));
  if (server.hasEnded) throw new Violation(`the server ended with ${await server.exited}\n${server.stderr}`);
  await endSession(place);
}

async function sendOne(seed: number, place: Place, heard: Heard): Promise<void> {
  const input = inputOf(seed);
  const { bytes, isBroken, isHead } = httpInputOf(input, place);
  const expectations = new Expectations();
  expectations.sent(input.bytes);
  const { received, isOpen } = await exchange(place.port, bytes);
  if (isBroken && received.length === 0) return;
  if (received.length === 0) throw new Violation('the connection ended without an answer');
  for (const { status, values } of readAnswers(received, isHead)) {
    heard.statuses[status] = (heard.statuses[status] ?? 0) + 1;
    if (status === 500) throw new Violation(`500: ${JSON.stringify(values)}`);
    // Refusals of OAuth and the health of the server are no messages.
    for (const value of values) if (isMessage(value)) expectations.received(value);
    // A neighbour's notification may have cancelled the request, which then gets an end and no answer.
    const isOwed = status === 200 && values.length > 0 && !isBroken && !isOpen;
    if (isOwed && values.every(isMessage) && expectations.missing().length > 0) {
      throw new Violation(`${values.length} messages and no answer to ${expectations.missing()}`);
    }
  }
  heard.answers += expectations.answers;
}

/** Sends bytes and hears what comes until the server ends the connection; a stream of events is left after a while. */
function exchange(port: number, bytes: Buffer): Promise<{ received: Buffer; isOpen: boolean }> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let isOpen = false;
    const hang = setTimeout(() => {
      socket.destroy();
      const sent = bytes.toString('latin1', 0, 600);
      reject(new Violation(`no end within ${PATIENCE_MS} ms of\n${sent}\nafter\n${Buffer.concat(parts)}`));
    }, PATIENCE_MS);
    let listening: NodeJS.Timeout | undefined;
    socket.on('data', (part) => {
      parts.push(part);
      clearTimeout(listening);
      if (!isListening(Buffer.concat(parts).toString('latin1'))) return;
      listening = setTimeout(() => {
        isOpen = true;
        socket.destroy();
      }, LISTEN_MS);
    });
    // Bytes beyond a refused request reset the connection.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(hang);
      clearTimeout(listening);
      resolve({ received: Buffer.concat(parts), isOpen });
    });
  });
}

/** A listener's stream says nothing, or acknowledges the subscription. */
function isListening(text: string): boolean {
  return /HTTP\/1\.1 200 [\s\S]*event-stream[\s\S]*(\r\n\r\n$|subscriptions\/acknowledged)/i.test(text);
}

async function openSession(port: number): Promise<string> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'fuzz', version: '1' },
  };
  const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: headers({}),
    body: JSON.stringify({ jsonrpc: '2.0', id: 'open', method: 'initialize', params }),
  });
  await response.text();
  const session = response.headers.get('mcp-session-id');
  if (session === null) throw new Violation(`no session: ${response.status}`);
  return session;
}

async function endSession({ port, session }: Place): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'DELETE',
    headers: headers({ 'mcp-session-id': session }),
  });
  await response.text();
  if (response.status !== 200) throw new Violation(`the session did not end: ${response.status}`);
}

function headers(more: Readonly<Record<string, string>>) {
  return {
    authorization: `Bearer ${TOKEN}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...more,
  };
}

function isMessage(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'jsonrpc' in value;
}
