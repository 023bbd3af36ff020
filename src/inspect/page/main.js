/** Puts the page together: the feed comes in, the parts draw it, orders go out. */
import { Chart } from './charts.js';
import { byId, h, setAll, setText } from './dom.js';
import { follow, hasToken, order, setToken } from './feed.js';
import { Player } from './player.js';
import { Services } from './services.js';
import { TaskDialog } from './task-dialog.js';
import { Tiles } from './tiles.js';
import { Timeline } from './timeline.js';

/** @typedef {import('./feed.js').Hello} Hello */
/** @typedef {import('./feed.js').Frame} Frame */
/** @typedef {import('./feed.js').RecordingHello} RecordingHello */
/** @typedef {import('./feed.js').Moment} Moment */
/** @typedef {Hello['history'][string][number]} Sample */

const dialog = new TaskDialog(() => player?.atMs ?? null);
const timeline = new Timeline(
  (id) => dialog.open(id),
  () => player?.refresh(),
);
const tiles = new Tiles();
/** @type {Player | null} */
let player = null;
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
    onMessage: (message) => {
      if (message.type === 'recording') onRecording(message);
      else if (message.type === 'hello') onHello(message);
      else onFrame(message);
    },
    onState: (state) => {
      if (state === 'live') setConnection('live', player === null ? 'live' : 'recording');
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
  tiles.draw(history);
  onState(hello);
}

/** @param {RecordingHello} recording */
function onRecording(recording) {
  setText(byId('version'), recording.version);
  setAll(document.documentElement, { 'data-mode': 'recording' });
  document.title = `${recording.name} – gaffr replay`;
  setConnection('live', 'recording');
  setText(byId('empty'), 'At this moment no task fits.');
  timeline.endName = 'this moment';
  services = new Services(recording);
  history = [...(recording.history[''] ?? [])];
  tiles.drawRecording(history);
  if (player !== null) {
    player.resume(recording);
    return;
  }
  player = new Player(recording, {
    filter: () => timeline.filter,
    onMoment,
    onProblem: (problem) => setConnection('lost', problem),
    openTask: (id) => dialog.open(id),
  });
}

/**
 * @param {Moment} moment
 * @param {boolean} isSeek - Whether somebody jumped there, so that what differs is no news.
 */
function onMoment({ atMs, stats, services: lines, tasks, column, progress }, isSeek) {
  time = { serverMs: atMs, localMs: 0 };
  tiles.set(stats, '–');
  tiles.figures(history[column]);
  tiles.mark(progress);
  services?.update(lines);
  services?.mark(column, progress);
  timeline.reset(tasks);
  if (isSeek) states = new Map();
  announce(lines);
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
    tiles.draw(history);
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
  tiles.set(stats);
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
  // A recording stands still between two moments.
  const passedMs = player === null && time !== null ? performance.now() - time.localMs : 0;
  if (time !== null && !document.hidden) timeline.draw(time.serverMs + passedMs);
  player?.tick(performance.now());
  requestAnimationFrame(draw);
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
