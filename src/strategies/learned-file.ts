/**
 * The file of a learned strategy: one thing because what is written and what is checked must be read together.
 *
 * Eight bytes `GAFFRLRN`, then little-endian: version (4 bytes), checksum of all that follows (4), length of the header
 * (4), the header as JSON, and the arrays of the model one after the other.
 */
import { learnedFileRefused } from '../core/errors.js';
import { BUCKETS, FeatureCounts } from './features.js';
import type { LearnedWeights } from './learned-model.js';

/** A task and the service that it belongs to. */
export interface Correction {
  readonly task: string;
  readonly service: string;
}

/** What the file holds. */
export interface LearnedState {
  readonly model: LearnedWeights;
  readonly corrections: readonly Correction[];
  readonly tau: number;
}

/** Most bytes of a file that is read. */
export const MAX_LEARNED_FILE_BYTES = 2 ** 28;

const MAGIC = 'GAFFRLRN';
const VERSION = 1;
const HEADER_AT = MAGIC.length + 12;

interface Header {
  readonly features: number;
  readonly services: readonly string[];
  readonly rows: number;
  readonly unseenRarity: number;
  readonly tau: number;
  readonly corrections: readonly Correction[];
}

/** Writes a state as bytes. */
export function encodeLearned({ model, corrections, tau }: LearnedState): Uint8Array {
  const header: Header = {
    features: featuresFingerprint(),
    services: model.services,
    rows: model.buckets.length,
    unseenRarity: model.unseenRarity,
    tau,
    corrections,
  };
  const headerBytes = new TextEncoder().encode(JSON.stringify(header));
  const arrays = [model.buckets, model.featureWeights, model.scales, model.weights];
  const bytes = new Uint8Array(
    HEADER_AT + headerBytes.length + arrays.reduce((sum, array) => sum + array.byteLength, 0),
  );
  bytes.set(new TextEncoder().encode(MAGIC));
  bytes.set(headerBytes, HEADER_AT);
  let at = HEADER_AT + headerBytes.length;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  const view = new DataView(bytes.buffer);
  view.setUint32(MAGIC.length, VERSION, true);
  view.setUint32(MAGIC.length + 8, headerBytes.length, true);
  view.setUint32(MAGIC.length + 4, checksum(bytes.subarray(MAGIC.length + 8)), true);
  return bytes;
}

/**
 * Reads what {@link encodeLearned} wrote, and checks all of it.
 *
 * @param name - What the bytes are, for messages: the path of the file.
 * @throws OrchestratorError `INVALID_INPUT` when it is no such file, of another version or for other features, or damaged.
 */
export function decodeLearned(bytes: Uint8Array, name: string): LearnedState {
  const refuse = (why: string, cause?: unknown) => learnedFileRefused(name, why, cause);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isOurs =
    bytes.length >= HEADER_AT && new TextDecoder('latin1').decode(bytes.subarray(0, MAGIC.length)) === MAGIC;
  if (!isOurs) throw refuse(`it does not begin with ${MAGIC}`);
  const version = view.getUint32(MAGIC.length, true);
  if (version !== VERSION) throw refuse(`it has version ${version}, not ${VERSION}`);
  if (view.getUint32(MAGIC.length + 4, true) !== checksum(bytes.subarray(MAGIC.length + 8))) {
    throw refuse('its checksum does not match: it is damaged or cut off');
  }
  const arraysAt = HEADER_AT + view.getUint32(MAGIC.length + 8, true);
  if (arraysAt > bytes.length) throw refuse('its header is longer than the file');
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(HEADER_AT, arraysAt)));
  } catch (cause) {
    throw refuse('its header is no JSON', cause);
  }
  if (!isHeader(header)) throw refuse('its header lacks a field or holds one of another kind');
  if (header.features !== featuresFingerprint()) {
    throw refuse('it was trained on features that this version does not compute');
  }
  // Not `slice`, which on a Buffer is no copy.
  const model = readModel(header, new Uint8Array(bytes.subarray(arraysAt)));
  if (typeof model === 'string') throw refuse(model);
  return { model, corrections: header.corrections, tau: header.tau };
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== 'object' || value === null) return false;
  const { features, services, rows, unseenRarity, tau, corrections } = value as Record<string, unknown>;
  const isName = (name: unknown) => typeof name === 'string' && name !== '';
  return (
    typeof features === 'number' &&
    Array.isArray(services) &&
    services.length >= 2 &&
    services.every(isName) &&
    new Set(services).size === services.length &&
    Number.isSafeInteger(rows) &&
    (rows as number) >= 0 &&
    Number.isFinite(unseenRarity) &&
    (unseenRarity as number) > 0 &&
    isTau(tau) &&
    Array.isArray(corrections) &&
    corrections.every((correction) => isName(correction?.task) && isName(correction?.service))
  );
}

/** Whether a value can be a tau: above 0 and at most 1. */
export function isTau(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= 1;
}

/** The model, or what is wrong with its arrays. `bytes` is a copy, so that it begins where numbers may begin. */
function readModel({ services, rows, unseenRarity }: Header, bytes: Uint8Array): LearnedWeights | string {
  const expected = rows * (12 + services.length);
  if (bytes.length !== expected) return `its arrays have ${bytes.length} bytes, not ${expected}`;
  const buckets = new Int32Array(bytes.buffer, 0, rows);
  const featureWeights = new Float32Array(bytes.buffer, 4 * rows, rows);
  const scales = new Float32Array(bytes.buffer, 8 * rows, rows);
  const weights = new Int8Array(bytes.buffer, 12 * rows);
  if (!buckets.every((bucket) => bucket >= 0 && bucket < BUCKETS)) return 'it holds a feature that cannot be';
  if (new Set(buckets).size !== rows) return 'it holds a feature twice';
  if (!featureWeights.every((weight) => weight > 0 && Number.isFinite(weight))) {
    return 'it holds a feature without a weight';
  }
  if (!scales.every((scale) => scale >= 0 && Number.isFinite(scale)))
    return 'it holds a scale that is no number';
  return { services, unseenRarity, buckets, featureWeights, scales, weights };
}

/** A number that changes when a text comes to have other features than it had. */
function featuresFingerprint(): number {
  const counts = new FeatureCounts();
  counts.read(['analysing', 'invoices', '2024', '画像', 'naïve', 'a']);
  const seen = counts.touched.subarray(0, counts.size);
  const numbers = Int32Array.from([BUCKETS, ...seen, ...seen.map((bucket) => counts.of(bucket))]);
  return checksum(new Uint8Array(numbers.buffer));
}

/** FNV-1a over bytes, 0 to 2^32 - 1: finds damage, not malice. */
function checksum(bytes: Uint8Array): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) value = Math.imul(value ^ (bytes[i] as number), 0x01000193);
  return value >>> 0;
}
