import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { systemClock } from '../../core/clock.js';
import type { Clock, Log } from '../../core/environment.js';
import type { Redactor } from '../../core/redactor.js';
import { answerFile, answerJson, readJson, stamp } from '../http-answers.js';
import { type LoopbackAddress, LoopbackDoor, listenOnLoopback } from '../loopback-door.js';
import type { WatchedOrchestrator } from '../watched-orchestrator.js';
import { carryOut } from './orders.js';
import { Overview } from './overview.js';
import { detailOf } from './task-detail.js';
import { Viewers } from './viewers.js';

/** Options of {@link serveDashboard}. */
export interface DashboardOptions extends LoopbackAddress {
  /** Whoever has it sees every task and may give orders. At least 16 characters. */
  readonly token: string;
  readonly version: string;
  readonly log: Log;
  /** The orchestrator's clock. Default: the system's. */
  readonly clock?: Clock;
  /** Secrets that no text of a task may show. Default: none. */
  readonly redactor?: Redactor;
}

/** A dashboard that listens. */
export interface Dashboard {
  /** Where the page is, without the token: `http://127.0.0.1:8643`. */
  readonly url: string;
  /** The address that lets a browser in. The token stands behind `#`, which no browser sends. */
  readonly urlWithToken: string;
  close(): Promise<void>;
}

/** Path → file of the page. They hold nothing secret, so they need no token. */
const FILES: Readonly<Record<string, string>> = {
  '/': 'index.html',
  '/page.css': 'page.css',
  '/icon.svg': 'icon.svg',
  '/main.js': 'main.js',
  '/charts.js': 'charts.js',
  '/dom.js': 'dom.js',
  '/feed.js': 'feed.js',
  '/plots.js': 'plots.js',
  '/services.js': 'services.js',
  '/task-dialog.js': 'task-dialog.js',
  '/timeline.js': 'timeline.js',
};

/** Only what this server sends is loaded, and only this server is asked. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/**
 * Serves the live page of an orchestrator on this machine's own address. Works with the fast lane on.
 *
 * @throws TypeError for a token that is too short.
 * @throws Error when the port cannot be had.
 */
export async function serveDashboard(
  orchestrator: WatchedOrchestrator,
  options: DashboardOptions,
): Promise<Dashboard> {
  const { token, version, log, clock = systemClock, redactor } = options;
  const door = new LoopbackDoor(token);
  const clean = (text: string): string => redactor?.text(text) ?? text;
  const server = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: 30_000 });
  const url = await listenOnLoopback(server, options);
  const overview = new Overview(orchestrator, { clock, version, clean });
  const viewers = new Viewers(overview);
  const site = { door, orchestrator, overview, viewers };
  server.on('request', (request, response) => {
    answer(site, request, response).catch((cause) => {
      log.error({ err: cause }, 'the dashboard could not answer');
      response.destroy();
    });
  });
  return {
    url,
    urlWithToken: `${url}/#token=${encodeURIComponent(token)}`,
    async close() {
      viewers.close();
      overview.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface Site {
  readonly door: LoopbackDoor;
  readonly orchestrator: WatchedOrchestrator;
  readonly overview: Overview;
  readonly viewers: Viewers;
}

async function answer(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  stamp(response, POLICY);
  const foreign = site.door.foreign(request);
  if (foreign !== null) return answerJson(response, 403, { error: foreign });
  const url = addressOf(request);
  if (url === null) return answerJson(response, 400, { error: 'This address cannot be read.' });
  const { pathname, searchParams } = url;
  const file = Object.hasOwn(FILES, pathname) ? FILES[pathname] : undefined;
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  if (file !== undefined && isReading) return answerFile(response, file);
  if (!pathname.startsWith('/api/')) return answerJson(response, 404, { error: 'There is nothing here.' });
  if (!site.door.hasToken(request)) {
    response.setHeader('www-authenticate', 'Bearer');
    return answerJson(response, 401, { error: 'This needs the token; open the address that gaffr printed.' });
  }
  const name = pathname.slice('/api/'.length);
  if (isReading) return read(site, name, searchParams, response);
  if (request.method !== 'POST') return answerJson(response, 405, { error: 'Orders are sent by POST.' });
  const { status, body } = carryOut(site.orchestrator, name, await readJson(request));
  answerJson(response, status, body);
}

function addressOf({ url = '/' }: IncomingMessage): URL | null {
  const address = `http://127.0.0.1${url}`;
  return url.startsWith('/') && URL.canParse(address) ? new URL(address) : null;
}

async function read(
  { orchestrator, overview, viewers }: Site,
  name: string,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  if (name === 'feed') {
    if (!viewers.add(response)) answerJson(response, 503, { error: 'Too many pages look on; close one.' });
  } else if (name === 'now') {
    answerJson(response, 200, overview.hello());
  } else if (name === 'task') {
    const task = overview.trail.find(query.get('id') ?? '');
    if (task === undefined) answerJson(response, 404, { error: 'This task is no longer kept.' });
    else answerJson(response, 200, await detailOf(task, overview, (text) => orchestrator.explain(text)));
  } else {
    answerJson(response, 404, { error: 'There is nothing here.' });
  }
}
