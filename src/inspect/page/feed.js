/** The connection to the server: the token, the stream of frames, and orders. */

/** @typedef {import('../dashboard/overview.js').Hello} Hello */
/** @typedef {import('../dashboard/overview.js').Frame} Frame */
/** @typedef {import('../replay/replay.js').RecordingHello} RecordingHello */
/** @typedef {import('../replay/replay.js').Moment} Moment */

const KEY = 'gaffr-token';
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** The server says something every five seconds. */
const SILENCE_MS = 15_000;

let token = takeToken();

/** The token comes behind "#", which is not sent to anybody; it goes from the address at once. */
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return sessionStorage.getItem(KEY);
  sessionStorage.setItem(KEY, given);
  history.replaceState(null, '', location.pathname);
  return given;
}

/** @param {string} given */
export function setToken(given) {
  token = given;
  sessionStorage.setItem(KEY, given);
}

export function hasToken() {
  return token !== null;
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
function call(path, init = {}) {
  return fetch(path, { ...init, headers: { authorization: `Bearer ${token ?? ''}`, ...init.headers } });
}

/**
 * Gives an order.
 *
 * @param {string} name
 * @param {object} [values]
 * @returns {Promise<Record<string, unknown>>} The answer; it rejects with the server's words when the order is refused.
 */
export async function order(name, values = {}) {
  const headers = { 'content-type': 'application/json' };
  const response = await call(`api/${name}`, { method: 'POST', headers, body: JSON.stringify(values) });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body;
}

/**
 * @param {string} id
 * @param {number | null} atMs - The moment of a recording; null when there is none.
 */
export function askForTask(id, atMs) {
  const at = atMs === null ? '' : `&at=${atMs}`;
  return ask(`api/task?id=${encodeURIComponent(id)}${at}`);
}

/**
 * Asks how a recording stood at a moment.
 *
 * @param {{ atMs: number, sinceMs?: number, filter: string }} query
 * @returns {Promise<Moment>}
 */
export function askForMoment({ atMs, sinceMs, filter }) {
  const since = sinceMs === undefined ? '' : `&since=${sinceMs}`;
  return ask(`api/moment?at=${atMs}&filter=${encodeURIComponent(filter)}${since}`);
}

/** @param {string} path */
async function ask(path) {
  const response = await call(path);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body;
}

/**
 * Follows the server for ever; comes back after each break.
 *
 * @param {{
 *   onMessage: (message: Hello | Frame | RecordingHello) => void,
 *   onState: (state: 'live' | 'lost' | 'refused') => void,
 * }} listener
 */
export async function follow({ onMessage, onState }) {
  let waitMs = FIRST_WAIT_MS;
  for (;;) {
    try {
      const isRefused = await readFeed((message) => {
        waitMs = FIRST_WAIT_MS;
        onState('live');
        onMessage(message);
      });
      if (isRefused) {
        onState('refused');
        return;
      }
    } catch {
      // The server is away or silent; the next try tells.
    }
    onState('lost');
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

/**
 * @param {(message: Hello | Frame | RecordingHello) => void} onMessage
 * @returns {Promise<boolean>} Whether the token was refused; false when the connection ended.
 */
async function readFeed(onMessage) {
  const abort = new AbortController();
  const response = await call('api/feed', { signal: abort.signal });
  if (response.status === 401) return true;
  if (!response.ok || response.body === null) return false;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let silence;
  let rest = '';
  try {
    for (;;) {
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(), SILENCE_MS);
      const { done, value } = await reader.read();
      if (done) return false;
      const parts = (rest + value).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) if (part.startsWith('data: ')) onMessage(JSON.parse(part.slice(6)));
    }
  } finally {
    clearTimeout(silence);
  }
}
