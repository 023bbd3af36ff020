/** Hands the messages of gaffr to the Stately inspector in the frame: nothing goes before it says that it is there. */

const KEY = 'gaffr-token';
const AGAIN_MS = 2000;
/** Messages that wait for the frame; the latest snapshots come again with a new connection. */
const MOST_WAITING = 5000;

const state = /** @type {HTMLElement} */ (document.getElementById('state'));
const frame = /** @type {HTMLIFrameElement} */ (document.getElementById('inspector'));
/** @type {unknown[]} */
let waiting = [];
let isConnected = false;

void start();

async function start() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, '', location.pathname);
  }
  const { inspectorUrl } = await (await fetch('settings')).json();
  const { origin } = new URL(inspectorUrl);
  addEventListener('message', ({ data, source, origin: from }) => {
    if (source !== frame.contentWindow || from !== origin || data?.type !== '@statelyai.connected') return;
    isConnected = true;
    for (const message of waiting) frame.contentWindow?.postMessage(message, origin);
    waiting = [];
  });
  frame.src = inspectorUrl;
  listen(origin);
}

/** @param {string} origin */
function listen(origin) {
  const token = sessionStorage.getItem(KEY) ?? '';
  const address = new URL('/', location.href);
  address.protocol = 'ws:';
  const socket = new WebSocket(address, ['gaffr', `gaffr-token.${encode(token)}`]);
  socket.onopen = () => say('live: ids, states and events leave for the inspector; texts of tasks do not');
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (isConnected) frame.contentWindow?.postMessage(message, origin);
    else if (waiting.length < MOST_WAITING) waiting.push(message);
  };
  socket.onclose = () => {
    say('not connected; open the address that gaffr printed');
    waiting = [];
    setTimeout(() => listen(origin), AGAIN_MS);
  };
}

/** base64url, which a protocol's name may hold. @param {string} text */
function encode(text) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @param {string} text */
function say(text) {
  state.textContent = text;
}
