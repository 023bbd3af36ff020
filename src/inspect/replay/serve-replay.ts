import type { ServerResponse } from 'node:http';
import type { AnyStateMachine } from 'xstate';
import { answerJson } from '../http-answers.js';
import { type PageOptions, type ServedPage, servePage } from '../serve-page.js';
import type { Recording } from './read-recording.js';
import { Replay } from './replay.js';

/** A line without a meaning keeps the connection of a page alive, so often in milliseconds. */
const SILENCE_MS = 5000;
/** Pages that may look on at once. */
const MOST_VIEWERS = 32;

/** Options of {@link serveReplay}. */
export interface ReplayOptions extends PageOptions {
  readonly version: string;
  /** What the recording is called, for people. */
  readonly name: string;
  /** The machine of an instance, whose chart is drawn. */
  readonly machine: AnyStateMachine;
}

/**
 * Serves the page of a dashboard with a recording behind it in place of an orchestrator: it takes no orders.
 *
 * @throws TypeError for a token that is too short.
 * @throws Error when the port cannot be had.
 */
export async function serveReplay(recording: Recording, options: ReplayOptions): Promise<ServedPage> {
  const { version, name, machine } = options;
  const replay = new Replay(recording, { version, name, machine });
  const viewers = new Set<ServerResponse>();
  const page = await servePage(
    {
      read: (what, query, response) => read(replay, viewers, { what, query, response }),
      order: null,
    },
    options,
  );
  // A viewer that does not read is written to no more: one line fits into any buffer.
  const beat = setInterval(() => {
    for (const response of viewers) if (response.writableLength === 0) response.write(':\n\n');
  }, SILENCE_MS).unref();
  return {
    ...page,
    async close() {
      clearInterval(beat);
      for (const response of viewers) response.end();
      await page.close();
    },
  };
}

function read(
  replay: Replay,
  viewers: Set<ServerResponse>,
  {
    what,
    query,
    response,
  }: { readonly what: string; readonly query: URLSearchParams; readonly response: ServerResponse },
): boolean {
  const atMs = numberOf(query.get('at'));
  switch (what) {
    case 'feed':
      follow(replay, viewers, response);
      return true;
    case 'now':
      answerJson(response, 200, replay.hello());
      return true;
    case 'moment': {
      const sinceMs = numberOf(query.get('since'));
      const filter = query.get('filter') ?? 'all';
      if (atMs === undefined || (filter !== 'all' && filter !== 'open' && filter !== 'failed')) {
        answerJson(response, 400, { error: '"at" must be milliseconds, and "filter" all, open or failed.' });
      } else
        answerJson(response, 200, replay.moment({ atMs, filter, ...(sinceMs !== undefined && { sinceMs }) }));
      return true;
    }
    case 'task': {
      const task = replay.task(query.get('id') ?? '', atMs ?? Number.POSITIVE_INFINITY);
      if (task === undefined) answerJson(response, 404, { error: 'At this moment there was no such task.' });
      else answerJson(response, 200, task);
      return true;
    }
    default:
      return false;
  }
}

/** The connection says that the recording can be asked; whoever loses it asks anew. */
function follow(replay: Replay, viewers: Set<ServerResponse>, response: ServerResponse): void {
  if (viewers.size >= MOST_VIEWERS) {
    answerJson(response, 503, { error: 'Too many pages look on; close one.' });
    return;
  }
  response.on('error', () => {});
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
  response.on('close', () => viewers.delete(response));
  viewers.add(response);
  response.write(`data: ${JSON.stringify(replay.hello())}\n\n`);
}

function numberOf(text: string | null): number | undefined {
  if (text === null || text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
