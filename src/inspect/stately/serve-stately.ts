import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Log } from '../../core/environment.js';
import { misuse } from '../../core/errors.js';
import { answerFile, answerJson, stamp } from '../http-answers.js';
import { type LoopbackAddress, LoopbackDoor, listenOnLoopback } from '../loopback-door.js';
import type { StatelyMessage } from './messages.js';
import type { StatelyBridge } from './stately-bridge.js';

/** Where the Stately inspector is. */
const STATELY_INSPECTOR_URL = 'https://stately.ai/inspect';

/** Options of {@link serveStately}. */
export interface StatelyOptions extends LoopbackAddress {
  /** Whoever has it may look on. At least 16 characters. */
  readonly token: string;
  /** The inspector that the bridge page shows in a frame. Default: {@link STATELY_INSPECTOR_URL}. */
  readonly inspectorUrl?: string;
  readonly log: Log;
}

/** A bridge that listens. */
export interface StatelyServer {
  /** Where the bridge page is, without the token. */
  readonly url: string;
  readonly urlWithToken: string;
  close(): Promise<void>;
}

/** A frame goes out this often at most, in milliseconds. */
const FRAME_MS = 50;
/** Bytes on their way to one viewer above which it gets nothing more until they have gone. */
const MOST_BYTES_UNDER_WAY = 1024 * 1024;
const MOST_VIEWERS = 16;
/** How the page says that it speaks our language, and how it hands over its token: browsers set no other header. */
const PROTOCOL = 'gaffr';
const TOKEN_PROTOCOL = 'gaffr-token.';

/**
 * Serves the actors of a bridge to the Stately inspector, on this machine's own address. Nothing that a viewer sends is
 * read.
 *
 * @throws TypeError for a token that is too short, or an address of the inspector that is none.
 * @throws Error when the port cannot be had.
 */
export async function serveStately(bridge: StatelyBridge, options: StatelyOptions): Promise<StatelyServer> {
  const { token, inspectorUrl = STATELY_INSPECTOR_URL, log } = options;
  const door = new LoopbackDoor(token);
  const policy = policyFor(inspectorUrl);
  const server = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: 30_000 });
  server.on('request', (request, response) => {
    stamp(response, policy);
    answer(door, inspectorUrl, request, response).catch((cause) => {
      log.error({ err: cause }, 'the bridge page could not be sent');
      response.destroy();
    });
  });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 1024,
    handleProtocols: (protocols) => (protocols.has(PROTOCOL) ? PROTOCOL : false),
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const problem = refusalOf(door, request) ?? (sockets.clients.size >= MOST_VIEWERS ? 503 : null);
    if (problem !== null) return refuse(socket, problem);
    sockets.handleUpgrade(request, socket, head, (viewer) => addViewer(bridge, viewer));
  });
  const url = await listenOnLoopback(server, options);
  const beat = setInterval(() => bridge.flush(), FRAME_MS).unref();
  return {
    url,
    urlWithToken: `${url}/#token=${encodeURIComponent(token)}`,
    async close() {
      clearInterval(beat);
      for (const viewer of sockets.clients) viewer.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function addViewer(bridge: StatelyBridge, viewer: WebSocket): void {
  let isBehind = false;
  const send = (messages: readonly StatelyMessage[]): void => {
    // Each message is one of the protocol's, so each goes alone.
    for (const message of messages) viewer.send(JSON.stringify(message));
  };
  const leave = bridge.watch({
    send(messages) {
      if (isBehind && viewer.bufferedAmount > 0) return;
      send(isBehind ? bridge.everything() : messages);
      isBehind = viewer.bufferedAmount > MOST_BYTES_UNDER_WAY;
    },
  });
  viewer.on('close', leave);
  viewer.on('error', leave);
}

async function answer(
  door: LoopbackDoor,
  inspectorUrl: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const foreign = door.foreign(request);
  if (foreign !== null) return answerJson(response, 403, { error: foreign });
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return answerJson(response, 405, { error: 'There is only something to read here.' });
  }
  switch ((request.url ?? '/').split('?', 1)[0]) {
    case '/':
      return answerFile(response, 'stately.html');
    case '/stately.css':
    case '/stately.js':
    case '/icon.svg':
      return answerFile(response, (request.url ?? '').slice(1).split('?', 1)[0] ?? '');
    case '/settings':
      return answerJson(response, 200, { inspectorUrl });
    default:
      return answerJson(response, 404, { error: 'There is nothing here.' });
  }
}

/** The status with which a viewer is turned away, or null. */
function refusalOf(door: LoopbackDoor, request: IncomingMessage): 401 | 403 | null {
  if (door.foreign(request) !== null) return 403;
  if (door.hasToken(request)) return null;
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const carrier = offered.find((name) => name.startsWith(TOKEN_PROTOCOL));
  const token = carrier === undefined ? null : Buffer.from(carrier.slice(TOKEN_PROTOCOL.length), 'base64url');
  return door.isToken(token === null ? null : token.toString()) ? null : 401;
}

function refuse(socket: Duplex, status: 401 | 403 | 503): void {
  const text = { 401: 'Unauthorized', 403: 'Forbidden', 503: 'Service Unavailable' }[status];
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 ${status} ${text}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function policyFor(inspectorUrl: string): string {
  const url = URL.canParse(inspectorUrl) ? new URL(inspectorUrl) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw misuse(
      `The address of the inspector must be like ${STATELY_INSPECTOR_URL}, not "${inspectorUrl}".`,
    );
  }
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    `frame-src ${url.origin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
