/** Puts the page together: the feed comes in, the parts draw it, orders go out. */
import { Chart } from './charts.js';
import { byId, formatCount, formatMs, formatShare, h, setAll, setText } from './dom.js';
import { follow, hasToken, order, setToken } from './feed.js';
import { Plot } from './plots.js';
import { Services } from './services.js';
import { TaskDialog } from './task-dialog.js';
import { Timeline } from './timeline.js';

/** @typedef {import('./feed.js').Hello} Hello */
/** @typedef {import('./feed.js').Frame} Frame */
/** @typedef {Hello['history'][string][number]} Sample */

/** Figures at the top: name, value of the moment, value of a second, its format. */
const TILES = /** @type {const} */ ([
  {
    key: 'running',
    name: 'Running',
    format: formatCount,
    value: (/** @type {Sample} */ { running }) => running,
  },
  {
    key: 'queued',
    name: 'Waiting',
    format: formatCount,
    value: (/** @type {Sample} */ { queued }) => queued,
  },
  {
    key: 'ended',
    name: 'Tasks per second',
    format: formatCount,
    value: (/** @type {Sample} */ { ended }) => ended,
  },
  {
    key: 'success',
    name: 'Success rate',
    format: formatShare,
    value: (/** @type {Sample} */ { successRate }) => successRate,
    most: 1,
  },
  { key: 'p50', name: 'p50', format: formatMs, value: (/** @type {Sample} */ { p50Ms }) => p50Ms },
  { key: 'p95', name: 'p95', format: formatMs, value: (/** @type {Sample} */ { p95Ms }) => p95Ms },
]);

const dialog = new TaskDialog();
const timeline = new Timeline((id) => dialog.open(id));
const tiles = TILES.map(makeTile);
/** @type {Sample[]} */
let history = [];
/** @type {Services | null} */
let services = null;
/** @type {Chart | null} */
let supervisorChart = null;
/** @type {{ serverMs: number, localMs: number } | null} */
let time = null;
let isPaused = false;
/** @type {ReadonlyMap<string, string>} */
let states = new Map();

start();

function start() {
  applyTheme(localStorage.getItem('gaffr-theme'));
  byId('theme').addEventListener('click', switchTheme);
  byId('pause').addEventListener('click', () => give(isPaused ? 'resume' : 'pause'));
  byId('max-parallel').addEventListener('change', ({ target }) =>
    give('max-parallel', { maxParallel: Number(/** @type {HTMLInputElement} */ (target).value) }),
  );
  byId('run').addEventListener('submit', onRun);
  byId('token-form').addEventListener('submit', () => {
    setToken(/** @type {HTMLInputElement} */ (byId('token')).value.trim());
    void listen();
  });
  if (hasToken()) void listen();
  else askForToken();
  requestAnimationFrame(draw);
}

function askForToken() {
  setConnection('refused', 'no token');
  /** @type {HTMLDialogElement} */ (byId('token-dialog')).showModal();
}

function listen() {
  return follow({
    onMessage: (message) => (message.type === 'hello' ? onHello(message) : onFrame(message)),
    onState: (state) => {
      if (state === 'live') setConnection('live', 'live');
      else if (state === 'lost') setConnection('lost', 'not connected');
      else askForToken();
    },
  });
}

/** @param {Hello} hello */
function onHello(hello) {
  setText(byId('version'), hello.version);
  setText(byId('supervisor-about'), hello.charts.supervisor.description);
  supervisorChart = new Chart(hello.charts.supervisor, 'Supervisor');
  byId('supervisor-chart').replaceChildren(supervisorChart.element);
  services = new Services(hello);
  history = [...(hello.history[''] ?? [])];
  timeline.reset(hello.tasks);
  fillServices(hello);
  drawTiles();
  onState(hello);
}

/** @param {Frame} frame */
function onFrame(frame) {
  timeline.take(frame.tasks, frame.skipped);
  services?.update(frame.services);
  if (frame.samples) {
    const all = frame.samples[''];
    if (all) history.push(all);
    if (history.length > 120) history.shift();
    services?.sample(frame.samples);
    drawTiles();
  }
  onState(frame);
}

/** @param {Hello | Frame} message */
function onState({ nowMs, stats, supervisor, services: lines, skipped }) {
  time = { serverMs: nowMs, localMs: performance.now() };
  timeline.take([], skipped);
  supervisorChart?.light({ [supervisor.state]: 1 });
  supervisorChart?.flash(supervisor.fired);
  isPaused = stats.isPaused;
  setText(byId('pause'), isPaused ? 'Resume' : 'Pause');
  setAll(byId('pause'), { class: isPaused ? 'primary' : null });
  const name = supervisor.state.split('.').at(-1) ?? '';
  setText(byId('supervisor-state'), name);
  setAll(byId('supervisor-state'), { 'data-state': name });
  const input = /** @type {HTMLInputElement} */ (byId('max-parallel'));
  if (document.activeElement !== input)
    input.value = stats.maxParallel === null ? '' : String(stats.maxParallel);
  input.placeholder = stats.maxParallel === null ? '∞' : '';
  tiles[0]?.set(`${formatCount(stats.running)} / ${stats.maxParallel ?? '∞'}`);
  tiles[1]?.set(formatCount(stats.queued));
  announce(lines);
}

/** Says aloud when a circuit opens or closes. @param {readonly { name: string, state: string }[]} lines */
function announce(lines) {
  const news = lines.flatMap(({ name, state }) => {
    const before = states.get(name);
    if (before === undefined || (before === 'failed') === (state === 'failed')) return [];
    return `The circuit of ${name} ${state === 'failed' ? 'opened' : 'closed'}.`;
  });
  if (news.length > 0) setText(byId('news'), news.join(' '));
  states = new Map(lines.map(({ name, state }) => [name, state]));
}

function draw() {
  if (time !== null && !document.hidden) timeline.draw(time.serverMs + performance.now() - time.localMs);
  requestAnimationFrame(draw);
}

/** @param {typeof TILES[number]} tile */
function makeTile({ key, name, format, value, ...rest }) {
  const plot = new Plot(name, format, 'most' in rest ? rest.most : null);
  const figure = h('strong', {}, '–');
  byId('tiles').append(
    h('div', { class: 'tile', 'data-key': key }, h('span', { class: 'label' }, name), figure, plot.element),
  );
  return {
    /** @param {string} text */
    set: (text) => setText(figure, text),
    draw() {
      const last = history.at(-1);
      if (last === undefined) return;
      const now = value(last);
      if (key !== 'running' && key !== 'queued') setText(figure, now === null ? '–' : format(now));
      plot.draw(history.map(value));
    },
  };
}

function drawTiles() {
  for (const tile of tiles) tile.draw();
}

/** @param {Hello} hello */
function fillServices(hello) {
  const select = /** @type {HTMLSelectElement} */ (byId('run-service'));
  const chosen = select.value;
  select.replaceChildren(
    h('option', { value: '' }, 'the router chooses'),
    ...hello.services.map(({ name }) => h('option', { value: name }, name)),
  );
  select.value = hello.services.some(({ name }) => name === chosen) ? chosen : '';
}

/** @param {Event} event */
async function onRun(event) {
  event.preventDefault();
  const task = /** @type {HTMLTextAreaElement} */ (byId('run-task'));
  const service = /** @type {HTMLSelectElement} */ (byId('run-service'));
  try {
    const { taskId } = await order('run', { task: task.value, service: service.value });
    const open = h('button', { type: 'button', class: 'small' }, 'Open');
    open.addEventListener('click', () => dialog.open(String(taskId)));
    byId('run-answer').replaceChildren(`Task ${taskId} is on its way. `, open);
    task.value = '';
  } catch (cause) {
    setText(byId('run-answer'), cause instanceof Error ? cause.message : String(cause));
  }
}

/**
 * @param {string} name
 * @param {object} [values]
 */
async function give(name, values) {
  try {
    await order(name, values);
  } catch (cause) {
    setText(byId('news'), '');
    setConnection('lost', cause instanceof Error ? cause.message : String(cause));
  }
}

/**
 * @param {'live' | 'lost' | 'refused'} state
 * @param {string} text
 */
function setConnection(state, text) {
  setAll(byId('connection'), { 'data-state': state });
  setText(byId('connection'), text);
}

/** @param {string | null} theme */
function applyTheme(theme) {
  setAll(document.documentElement, { 'data-theme': theme });
}

function switchTheme() {
  const isDark = getComputedStyle(document.documentElement).getPropertyValue('--is-dark').trim() === '1';
  const theme = isDark ? 'light' : 'dark';
  localStorage.setItem('gaffr-theme', theme);
  applyTheme(theme);
}
