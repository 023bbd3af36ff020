import { type Random, seeded } from '../simulation/random.js';
import { disturb, draftMessage } from './messages.js';
import { noise } from './noise.js';

/** One input: what a client writes as one line, or as the body of one request. The same seed makes the same input. */
export interface Input {
  readonly seed: number;
  /** Free of line feeds. */
  readonly bytes: Buffer;
  /** The message when it was left alone: its headers can then agree with it. */
  readonly message: Readonly<Record<string, unknown>> | undefined;
}

/** Most bytes of an input: ten of them would end a connection over stdio, as they should. */
const MOST_BYTES = 1024 * 1024;

/** Makes the input of a seed. */
export function inputOf(seed: number): Input {
  const input = makeInput(seed);
  if (input.bytes.length <= MOST_BYTES) return input;
  return { ...input, bytes: input.bytes.subarray(0, MOST_BYTES), message: undefined };
}

function makeInput(seed: number): Input {
  const random = seeded(seed, 1);
  const message = draftMessage(random, seed);
  return random.weighted<() => Input>([
    [8, () => ({ seed, bytes: toLine(message), message })],
    [3, () => ({ seed, bytes: toLine(disturb(random, message)), message: undefined })],
    [2, () => ({ seed, bytes: damage(random, toLine(message)), message: undefined })],
    [0.5, () => ({ seed, bytes: toLine(noise(random)), message: undefined })],
  ])();
}

function toLine(value: unknown): Buffer {
  // JSON.stringify escapes line feeds inside of texts.
  return Buffer.from(JSON.stringify(value) ?? 'null');
}

/** Breaks the text: it may be no JSON, no UTF-8, or another message than before. */
function damage(random: Random, line: Buffer): Buffer {
  const at = random.int(0, Math.max(0, line.length - 1));
  const damaged = random.weighted<() => Buffer>([
    [3, () => line.subarray(0, at)],
    [3, () => splice(line, at, 1, Buffer.from([random.int(0, 255)]))],
    [2, () => splice(line, at, 0, Buffer.from([0xff, 0xc0, 0x80, random.int(0, 255)]))],
    [2, () => splice(line, at, random.int(1, 20), Buffer.alloc(0))],
    [1, () => Buffer.concat([line, line])],
    [1, () => Buffer.concat([Buffer.from('\ufeff'), line])],
    [1, () => Buffer.concat([Buffer.from(' \t\r'), line, Buffer.from('\r')])],
    [1, () => Buffer.from(line.toString().replace(/"id":("[^"]*"|\d+)/, '"id":1e999'))],
    [1, () => Buffer.from(line.toString().replace('{', '{"id":"twice","method":"ping",'))],
    [1, () => Buffer.from(line.toString().replace(/\d+/, '9'.repeat(400)))],
    [1, () => Buffer.from('['.repeat(random.pick([10, 1000, 100_000])))],
  ])();
  return Buffer.from(damaged.map((byte) => (byte === 0x0a ? 0x20 : byte)));
}

function splice(line: Buffer, at: number, removed: number, added: Buffer): Buffer {
  return Buffer.concat([line.subarray(0, at), added, line.subarray(at + removed)]);
}
