import type { ServerResponse } from 'node:http';
import type { Frame, Overview } from './overview.js';
import type { Sample } from './throughput.js';

/** A frame goes out this often at most, in milliseconds. */
const FRAME_MS = 100;
/** Bytes on their way to one viewer above which it gets nothing more until they have gone. */
const MOST_BYTES_UNDER_WAY = 512 * 1024;
/** Pages that may look on at once. */
const MOST_VIEWERS = 32;
/** Milliseconds without a frame after which a line without a meaning keeps the connection alive. */
const SILENCE_MS = 5000;

/**
 * Owns: the pages that look on, and the beat of their frames. Talks to: the overview.
 *
 * Invariants
 * - L1 nothing is computed for viewers while there are none, but one sample a second.
 * - L2 what is under way to a viewer is bounded: a slow one misses frames, and then gets everything anew.
 */
export class Viewers {
  readonly #overview: Overview;
  readonly #viewers = new Map<ServerResponse, { isBehind: boolean }>();
  readonly #seconds: NodeJS.Timeout;
  #frames: NodeJS.Timeout | null = null;
  #samples: Readonly<Record<string, Sample>> | undefined;
  #lastState = '';
  #lastSentMs = 0;
  /** Names of the services that the viewers know. */
  #serviceNames = '';

  constructor(overview: Overview) {
    this.#overview = overview;
    this.#seconds = setInterval(() => this.#onSecond(), 1000).unref();
  }

  /** Begins to tell a viewer everything; false when there are too many. */
  add(response: ServerResponse): boolean {
    if (this.#viewers.size >= MOST_VIEWERS) return false;
    response.on('error', () => {});
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    response.on('close', () => this.#remove(response));
    this.#overview.isWatched = true;
    const hello = this.#overview.hello();
    if (this.#viewers.size === 0) this.#serviceNames = namesOf(hello);
    this.#viewers.set(response, { isBehind: false });
    response.write(lineOf(hello));
    this.#frames ??= setInterval(() => this.#onFrame(), FRAME_MS).unref();
    return true;
  }

  close(): void {
    clearInterval(this.#seconds);
    if (this.#frames) clearInterval(this.#frames);
    for (const response of this.#viewers.keys()) response.end();
    this.#viewers.clear();
  }

  #remove(response: ServerResponse): void {
    this.#viewers.delete(response);
    if (this.#viewers.size > 0 || this.#frames === null) return;
    clearInterval(this.#frames);
    this.#frames = null;
    this.#overview.isWatched = false;
  }

  #onSecond(): void {
    this.#samples = this.#overview.sample();
    // What changed while nobody looks is told by the next hello.
    if (this.#viewers.size === 0) this.#overview.trail.takeChanged();
  }

  #onFrame(): void {
    const frame = this.#overview.frame(this.#samples);
    this.#samples = undefined;
    const names = namesOf(frame);
    if (names !== this.#serviceNames) {
      this.#serviceNames = names;
      this.#send(lineOf(this.#overview.hello()), frame.nowMs);
      return;
    }
    const { nowMs, ...state } = frame;
    const text = JSON.stringify(state);
    if (text === this.#lastState) {
      if (nowMs - this.#lastSentMs > SILENCE_MS) this.#send(':\n\n', nowMs);
      return;
    }
    this.#lastState = text;
    this.#send(`data: {"nowMs":${nowMs},${text.slice(1)}\n\n`, nowMs);
  }

  #send(text: string, nowMs: number): void {
    this.#lastSentMs = nowMs;
    for (const [response, viewer] of this.#viewers) {
      if (viewer.isBehind) {
        if (response.writableLength > 0) continue;
        viewer.isBehind = false;
        response.write(lineOf(this.#overview.hello()));
        continue;
      }
      response.write(text);
      viewer.isBehind = response.writableLength > MOST_BYTES_UNDER_WAY;
    }
  }
}

function namesOf({ services }: Pick<Frame, 'services'>): string {
  return services.map(({ name }) => name).join('\n');
}

function lineOf(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
