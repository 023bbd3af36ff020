import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Random, seeded } from '../../../simulation/random.js';
import type { CrashReport } from '../crash-test.js';
import { quantiles } from '../quantiles.js';
import { type Ends, readEnds, statusOf } from './ends.js';
import { kill, readyOf, startLife } from './life.js';
import { Promises } from './promises.js';
import { Ballast } from './small-disk.js';

/** What a run on a full disk is asked for. */
export interface DiskFullOptions {
  readonly rounds: number;
  /** Of the moments. */
  readonly seed: number;
  /** The folder of a disk that may be filled. What must not lie on it is put beside it. */
  readonly disk: string;
}

/** How long the load is left alone, and how long the disk stays full, in milliseconds. */
const PEACE_MS = [30, 250] as const;
const FULL_MS = [20, 200] as const;
/** How long anything that must come may take, in milliseconds. */
const PATIENCE_MS = 10_000;
const POLL_MS = 2;
/** Of the reserve, what is more than enough for all that is in flight. */
const ENOUGH_BYTES = 512 * 1024;
/** How long a process has that starts on a full disk, in milliseconds. */
const START_MS = 400;

interface Round {
  /** The room that the engine gives up for its accepted tasks is taken as well. */
  readonly isGreedy: boolean;
  /** The process is killed while the disk is full. */
  readonly isKilled: boolean;
  /** The next process begins before there is room. */
  readonly startsFull: boolean;
}

/** All kinds, in turn. */
const ROUNDS: readonly Round[] = [
  { isGreedy: false, isKilled: false, startsFull: false },
  { isGreedy: false, isKilled: true, startsFull: false },
  { isGreedy: true, isKilled: false, startsFull: false },
  { isGreedy: true, isKilled: true, startsFull: true },
];

/**
 * Fills the disk of a journal again and again while sixteen tasks are in flight, until tasks are refused, and gives the room
 * back. In half of the rounds the process is killed in between; in half of them whatever room the engine gives up is taken too.
 *
 * Bounds: what is refused is refused with `JOURNAL_FULL` only and never runs; what was acknowledged ends as `completed`, while
 * the disk is full if its reserve was left to it, else once there is room; after a kill it has ended or is `interrupted`,
 * nothing has ended twice, and no attempt of a service that is not idempotent ran twice; and tasks are accepted again in time.
 */
export async function crashDiskFull(options: DiskFullOptions): Promise<CrashReport> {
  const run = new Run(options);
  try {
    for (let round = 0; round < options.rounds; round += 1) {
      await run.play(ROUNDS[round % ROUNDS.length] as Round);
    }
    await run.end();
    return run.report();
  } finally {
    await run.close();
  }
}

/** Owns: the process, the ballast, and what is known of both. */
class Run {
  readonly #folder: string;
  readonly #disk: string;
  readonly #random: Random;
  readonly #ballast: Ballast;
  readonly #promises: Promises;
  readonly #ends: Ends = new Map();
  /** From the moment when there is room until a task is accepted: of a process that lives, and of one that starts. */
  readonly #acceptedAgainMs: number[] = [];
  readonly #restartedMs: number[] = [];
  #child: ChildProcess | undefined;
  #lives = 0;
  /** Tasks that were told to have ended while the disk was full, and the process lived on. */
  #endedWhileFull = 0;

  constructor({ disk, seed }: DiskFullOptions) {
    this.#folder = dirname(disk);
    this.#disk = disk;
    this.#random = seeded(seed, 0);
    this.#ballast = new Ballast(disk);
    this.#promises = new Promises(this.#promisesPath);
  }

  get #journal(): string {
    return join(this.#disk, 'tasks.journal');
  }

  get #promisesPath(): string {
    return join(this.#folder, 'promises.log');
  }

  async play(round: Round): Promise<void> {
    if (this.#child === undefined) await this.#start(`${this.#lives}`);
    await sleep(this.#random.int(...PEACE_MS));
    const { refused } = this.#promises.read();
    const fill = (): void => this.#ballast.fill();
    await this.#until('a task is refused on a full disk', () => this.#promises.refused > refused, fill);
    const open = this.#open();
    const ended = this.#ended();
    const endMs = performance.now() + this.#random.int(...FULL_MS);
    await this.#until(
      'the disk was full',
      () => performance.now() > endMs,
      round.isGreedy ? fill : undefined,
    );
    if (round.isKilled) await this.#restart(round);
    else await this.#resume(round, open, ended);
  }

  /** Gives the room back to a process that lives. */
  async #resume({ isGreedy }: Round, open: readonly string[], ended: number): Promise<void> {
    if (!isGreedy && this.#hasReserve()) {
      await this.#told('while the disk is full', open);
    }
    this.#endedWhileFull += this.#ended() - ended;
    const roomAtMs = performance.now();
    this.#ballast.remove();
    await this.#accepts();
    this.#acceptedAgainMs.push(performance.now() - roomAtMs);
    await this.#told('once there is room', open);
  }

  /** Kills the process, and starts another before or after there is room. */
  async #restart({ startsFull }: Round): Promise<void> {
    await this.#kill();
    if (!startsFull) this.#ballast.remove();
    const isReady = this.#start(`${this.#lives}`);
    // It is looked at below; until then it is known to be looked at.
    isReady.catch(() => undefined);
    if (startsFull) await sleep(START_MS);
    const roomAtMs = performance.now();
    this.#ballast.remove();
    await isReady;
    await this.#accepts();
    this.#restartedMs.push(performance.now() - roomAtMs);
  }

  /** Ends what is left. */
  async end(): Promise<void> {
    await this.#kill();
    await this.#start('last');
  }

  async close(): Promise<void> {
    await this.#kill();
    this.#ballast.remove();
  }

  report(): CrashReport {
    const ends = this.#ends;
    const { told, attempts, unsafeAttempts, refused, ranAgain } = this.#promises.read();
    const acknowledged = this.#promises.acknowledged();
    const count = <T>(all: Iterable<T>, isIt: (each: T) => boolean): number => [...all].filter(isIt).length;
    const isRefused = (id: string): boolean => told.get(id)?.status === 'rejected';
    const violations = {
      lost: count(acknowledged, (id) => !told.has(id) && !ends.has(id)),
      double: count(ends.values(), ({ size }) => size > 1),
      wrongCodes: count(
        told.values(),
        ({ status, code }) => status !== 'completed' && code !== 'JOURNAL_FULL',
      ),
      // What is not known any more was told while its record was there.
      wronglyTold:
        count(ends.keys(), (id) => told.has(id) && statusOf(ends, id) !== told.get(id)?.status) +
        count(this.#promises.accepted, (id) => told.has(id) && told.get(id)?.status !== 'completed'),
      ranThoughRefused: count(attempts.keys(), isRefused),
      repeatedUnsafe: count(unsafeAttempts.values(), (times) => times > 1),
    };
    return {
      isSound: Object.values(violations).every((found) => found === 0),
      figures: {
        acknowledged: acknowledged.size,
        refused,
        ...violations,
        endedWhileFull: this.#endedWhileFull,
        interrupted: count(ends.keys(), (id) => statusOf(ends, id) === 'interrupted'),
        ranAgain,
        acceptedAgainMs: quantiles(this.#acceptedAgainMs),
        restartedMs: quantiles(this.#restartedMs),
      },
    };
  }

  /** How many ends were told. */
  #ended(): number {
    const { told, refused } = this.#promises.read();
    return told.size - refused;
  }

  /** Acknowledged by the process that lives, and not told yet. */
  #open(): string[] {
    const { accepted, told } = this.#promises.read();
    return [...accepted].filter((id) => id.startsWith(`${this.#lives - 1}.`) && !told.has(id));
  }

  /** Whether the reserve is kept, or was given up and is still there: the last of the ballast may have taken it. */
  #hasReserve(): boolean {
    return existsSync(`${this.#journal}-reserve`) || this.#ballast.roomBytes > ENOUGH_BYTES;
  }

  async #accepts(): Promise<void> {
    const { size } = this.#promises.read().accepted;
    await this.#until('a task is accepted again', () => this.#promises.accepted.size > size);
  }

  async #told(when: string, ids: readonly string[]): Promise<void> {
    await this.#until(`${when} what was acknowledged is told`, () =>
      ids.every((id) => this.#promises.told.has(id)),
    );
  }

  /** Resolves once the process has done what was left; what that came to is noted before it begins with anything else. */
  async #start(name: string): Promise<void> {
    this.#lives += 1;
    const child = startLife({ journal: this.#journal, promises: this.#promisesPath, name, load: 'mixed' });
    this.#child = child;
    await readyOf(child);
    if (name === 'last') await once(child, 'exit');
    this.#noteEnds();
    if (name !== 'last') child.send('go');
  }

  async #kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    await kill(child);
    this.#noteEnds();
  }

  #noteEnds(): void {
    readEnds(this.#journal, join(this.#folder, 'copy.journal'), this.#ends);
  }

  /** Reads what was promised, and does something, until something is so. @throws Error when that takes too long. */
  async #until(what: string, isSo: () => boolean, meanwhile?: () => void): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    for (this.#promises.read(); !isSo(); this.#promises.read()) {
      if (performance.now() > endMs)
        throw new Error(`It took more than ${PATIENCE_MS / 1000} s until ${what}.`);
      meanwhile?.();
      await sleep(POLL_MS);
    }
  }
}
