import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TaskDetail, TaskSummary } from '../../core/engine.js';
import type { Log } from '../../core/environment.js';
import { messageOf } from '../../core/errors.js';
import { BusyError, ConfigurationError } from '../exit-code.js';
import { ask, type DeskRequest, deskRequestSchema, type TaskDesk } from './task-desk.js';

/**
 * The door to the tasks of a running process: a socket beside its journal, for its own user only. A caller sends one line
 * of JSON, gets one, and that is all.
 */

/** Longest path of a socket that every system takes, in bytes. */
const MOST_PATH_BYTES = 100;
/** Longest request, in characters, and how long its sender may take, in milliseconds. */
const MOST_REQUEST_CHARS = 10_000;
const REQUEST_MS = 2000;
/** How long an answer is waited for, in milliseconds. */
const ANSWER_MS = 10_000;

/** Where the door to a journal is. */
export function doorOf(journal: string): string {
  const beside = `${journal}.sock`;
  const name = `gaffr-${createHash('sha256').update(journal).digest('hex').slice(0, 24)}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  return Buffer.byteLength(beside) <= MOST_PATH_BYTES ? beside : join(homedir(), `.${name}.sock`);
}

/** Opens the door to a desk. A process that has the journal's lock is the only one that may. */
export function openDoor(journal: string, desk: TaskDesk, log: Log): { close(): void } {
  const path = doorOf(journal);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.setTimeout(REQUEST_MS, () => socket.destroy());
    void serve(socket, desk);
  });
  server.on('error', (cause) =>
    log.warn({ path, cause: messageOf(cause) }, 'the tasks cannot be steered from outside'),
  );
  // What an earlier process left would be in the way.
  if (process.platform !== 'win32') rmSync(path, { force: true });
  const mask = process.platform === 'win32' ? null : process.umask(0o177);
  server.listen(path);
  if (mask !== null) process.umask(mask);
  server.unref();
  return { close: () => void server.close() };
}

async function serve(socket: Socket, desk: TaskDesk): Promise<void> {
  let answer: object;
  try {
    const request = deskRequestSchema.parse(JSON.parse(await readRequest(socket)));
    answer = { answer: (await ask(desk, request)) ?? null };
  } catch (cause) {
    answer = { error: messageOf(cause) };
  }
  socket.end(JSON.stringify(answer));
}

function readRequest(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let request = '';
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      request += piece;
      if (request.length > MOST_REQUEST_CHARS) reject(new Error('the request is too long'));
    });
    socket.on('end', () => resolve(request));
    socket.on('close', () => reject(new Error('the caller left')));
  });
}

/**
 * The desk behind the door of a journal.
 *
 * @throws BusyError when nobody answers, ConfigurationError when the process refuses what is asked.
 */
export function deskBehind(journal: string): TaskDesk {
  const call = async (request: DeskRequest): Promise<unknown> => {
    const { answer, error } = await askBehind(journal, request);
    if (error === undefined) return answer ?? undefined;
    throw new ConfigurationError(`The process with the journal "${journal}" refuses that: ${error}`);
  };
  return {
    list: async (filter) => (await call({ action: 'list', filter })) as readonly TaskSummary[],
    find: async (taskId) => (await call({ action: 'find', taskId })) as TaskDetail | undefined,
    cancel: async (taskId, reason) => (await call({ action: 'cancel', taskId, reason })) === true,
    retry: async (taskId) => (await call({ action: 'retry', taskId })) === true,
    close: () => {},
  };
}

interface DoorAnswer {
  readonly answer?: unknown;
  readonly error?: string;
}

/** A process that ends meanwhile answers nothing, or half of it. */
async function askBehind(journal: string, request: DeskRequest): Promise<DoorAnswer> {
  try {
    const socket = connect(doorOf(journal));
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer in ${ANSWER_MS / 1000} s`)));
    socket.end(JSON.stringify(request));
    return JSON.parse(await text(socket));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'it sent no whole answer' : messageOf(cause);
    throw new BusyError(`The process with the journal "${journal}" has gone (${why}); try again.`, { cause });
  }
}
