import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Log } from '../core/environment.js';
import { answerFile, answerJson, readJson, stamp } from './http-answers.js';
import { type LoopbackAddress, LoopbackDoor, listenOnLoopback } from './loopback-door.js';

/** Where a page is served, and to whom. */
export interface PageOptions extends LoopbackAddress {
  /** Whoever has it sees everything that the page shows. At least 16 characters. */
  readonly token: string;
  readonly log: Log;
}

/** What stands behind a page. Only those who have the token come here. */
export interface PageApi {
  /** Answers `GET /api/NAME`; false when it knows no such name. */
  read(name: string, query: URLSearchParams, response: ServerResponse): Promise<boolean> | boolean;
  /** Carries out `POST /api/NAME`; null when nothing takes orders here. */
  readonly order: ((name: string, values: unknown) => { status: number; body: object }) | null;
}

/** A page that is served. */
export interface ServedPage {
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
  '/player.css': 'player.css',
  '/player.js': 'player.js',
  '/plots.js': 'plots.js',
  '/services.js': 'services.js',
  '/tiles.js': 'tiles.js',
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
 * Serves the page on this machine's own address.
 *
 * @throws TypeError for a token that is too short.
 * @throws Error when the port cannot be had.
 */
export async function servePage(api: PageApi, options: PageOptions): Promise<ServedPage> {
  const { token, log } = options;
  const door = new LoopbackDoor(token);
  const server = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: 30_000 });
  const url = await listenOnLoopback(server, options);
  server.on('request', (request, response) => {
    answer(door, api, request, response).catch((cause) => {
      log.error({ err: cause }, 'the page could not be answered');
      response.destroy();
    });
  });
  return {
    url,
    urlWithToken: `${url}/#token=${encodeURIComponent(token)}`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(
  door: LoopbackDoor,
  { read, order }: PageApi,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  stamp(response, POLICY);
  const foreign = door.foreign(request);
  if (foreign !== null) return answerJson(response, 403, { error: foreign });
  const url = addressOf(request);
  if (url === null) return answerJson(response, 400, { error: 'This address cannot be read.' });
  const { pathname, searchParams } = url;
  const file = Object.hasOwn(FILES, pathname) ? FILES[pathname] : undefined;
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  if (file !== undefined && isReading) return answerFile(response, file);
  const nothing = { error: 'There is nothing here.' };
  if (!pathname.startsWith('/api/')) return answerJson(response, 404, nothing);
  if (!door.hasToken(request)) {
    response.setHeader('www-authenticate', 'Bearer');
    return answerJson(response, 401, { error: 'This needs the token; open the address that gaffr printed.' });
  }
  const name = pathname.slice('/api/'.length);
  if (isReading) {
    if (!(await read(name, searchParams, response))) answerJson(response, 404, nothing);
    return;
  }
  if (order === null) return answerJson(response, 405, { error: 'A recording takes no orders.' });
  if (request.method !== 'POST') return answerJson(response, 405, { error: 'Orders are sent by POST.' });
  const { status, body } = order(name, await readJson(request));
  answerJson(response, status, body);
}

function addressOf({ url = '/' }: IncomingMessage): URL | null {
  const address = `http://127.0.0.1${url}`;
  return url.startsWith('/') && URL.canParse(address) ? new URL(address) : null;
}
