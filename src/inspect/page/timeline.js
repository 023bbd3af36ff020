/** The tasks, one line each: what they waited for, each attempt, each backoff, on one axis of time. */
import { byId, formatCount, formatMs, h, setAll, setText } from './dom.js';

/** @typedef {import('../dashboard/task-line.js').TaskLine} TaskLine */

/** Tasks that the page remembers, and lines that it shows. */
const KEPT = 600;
const SHOWN = 40;
/** The axis never shows more or less, in milliseconds. */
const LONGEST_MS = 120_000;
const SHORTEST_MS = 50;

const KINDS = /** @type {Record<string, string>} */ ({ q: 'waiting', a: 'attempt', b: 'backoff' });

/** The timeline. */
export class Timeline {
  /** @type {Map<string, TaskLine>} */
  #tasks = new Map();
  /** @type {Row[]} */
  #rows = [];
  #onOpen;
  #filter = 'all';
  #isHeld = false;
  #skipped = 0;
  /** @type {string[]} */
  #heldIds = [];
  #spanMs = 1000;
  /** What the end of the axis is called while tasks go on. */
  endName = 'now';

  /**
   * @param {(id: string) => void} onOpen
   * @param {() => void} onFilter - Told when another filter was chosen.
   */
  constructor(onOpen, onFilter) {
    this.#onOpen = onOpen;
    for (const radio of document.querySelectorAll('input[name=filter]')) {
      radio.addEventListener('change', () => {
        this.#filter = /** @type {HTMLInputElement} */ (radio).value;
        this.#heldIds = [];
        onFilter();
      });
    }
    byId('hold').addEventListener('change', ({ target }) => {
      this.#isHeld = /** @type {HTMLInputElement} */ (target).checked;
    });
  }

  /** `all`, `open` or `failed`. */
  get filter() {
    return this.#filter;
  }

  /** @param {readonly TaskLine[]} tasks */
  reset(tasks) {
    this.#tasks.clear();
    this.take(tasks, 0);
  }

  /**
   * @param {readonly TaskLine[]} tasks
   * @param {number} skipped
   */
  take(tasks, skipped) {
    this.#skipped = skipped;
    for (const task of tasks) {
      if (!this.#tasks.has(task.id) && this.#tasks.size >= KEPT) this.#forgetOne();
      this.#tasks.set(task.id, task);
    }
  }

  /** @param {string} id */
  find(id) {
    return this.#tasks.get(id);
  }

  /** @param {number} nowMs - The server's time. */
  draw(nowMs) {
    const tasks = this.#chosen();
    const open = tasks.some(({ endMs }) => endMs === null);
    const endMs = open || tasks.length === 0 ? nowMs : Math.max(...tasks.map((task) => task.endMs ?? nowMs));
    const startMs = Math.min(endMs, ...tasks.map((task) => task.startMs));
    this.#spanMs = niceSpan(Math.min(Math.max(endMs - startMs, SHORTEST_MS), LONGEST_MS), this.#spanMs);
    const axis = { startMs: endMs - this.#spanMs, spanMs: this.#spanMs };
    this.#drawAxis(open);
    for (const [index, task] of tasks.entries()) {
      let row = this.#rows[index];
      if (row === undefined) {
        row = new Row(this.#onOpen);
        this.#rows.push(row);
        byId('rows').append(row.element);
      }
      row.draw(task, nowMs, axis);
    }
    for (const row of this.#rows.splice(tasks.length)) row.element.remove();
    byId('empty').hidden = this.#tasks.size > 0;
    const more = this.#skipped > 0 ? `; ${formatCount(this.#skipped)} more came too fast to be listed` : '';
    setText(byId('timeline-about'), tasks.length === 0 ? '' : `the latest ${tasks.length}${more}`);
  }

  #chosen() {
    if (this.#isHeld && this.#heldIds.length > 0)
      return this.#heldIds.flatMap((id) => this.#tasks.get(id) ?? []);
    const fits = [...this.#tasks.values()].filter(({ state, endMs }) => {
      if (this.#filter === 'open') return endMs === null;
      return this.#filter === 'all' || (endMs !== null && state !== 'completed' && state !== 'cancelled');
    });
    const chosen = fits.slice(-SHOWN).reverse();
    this.#heldIds = chosen.map(({ id }) => id);
    return chosen;
  }

  /** A settled task that is not held still goes before an open one. */
  #forgetOne() {
    const held = this.#isHeld ? new Set(this.#heldIds) : new Set();
    for (const [id, { endMs }] of this.#tasks) {
      if (endMs === null || held.has(id)) continue;
      this.#tasks.delete(id);
      return;
    }
    const [oldest] = this.#tasks.keys();
    if (oldest !== undefined) this.#tasks.delete(oldest);
  }

  /** @param {boolean} isOpen - Whether a task goes on, so that the axis ends now. */
  #drawAxis(isOpen) {
    const marks = byId('marks');
    const steps = 5;
    while (marks.childElementCount <= steps) {
      const mark = h('span');
      mark.style.left = `${(100 * marks.childElementCount) / steps}%`;
      marks.append(mark);
    }
    for (const [index, mark] of [...marks.children].entries()) {
      const beforeMs = (this.#spanMs * (steps - index)) / steps;
      setText(mark, beforeMs > 0 ? `−${formatMs(beforeMs)}` : isOpen ? this.endName : 'last end');
    }
  }
}

class Row {
  /** @type {HTMLLIElement} */
  element;
  #button = h('button', { type: 'button', class: 'row' });
  #title = h('span', { class: 'title' });
  #service = h('span', { class: 'of' });
  #bar = h('span', { class: 'bar', 'aria-hidden': 'true' });
  // It would be read aloud ten times a second.
  #time = h('span', { class: 'time', 'aria-hidden': 'true' });
  #state = h('span', { class: 'pill' });
  #id = '';

  /** @param {(id: string) => void} onOpen */
  constructor(onOpen) {
    this.#button.append(this.#title, this.#service, this.#bar, this.#time, this.#state);
    this.#button.addEventListener('click', () => onOpen(this.#id));
    this.element = h('li', {}, this.#button);
  }

  /**
   * @param {TaskLine} task
   * @param {number} nowMs
   * @param {{ startMs: number, spanMs: number }} axis
   */
  draw(task, nowMs, axis) {
    const { id, title, service, state, startMs, endMs, spans } = task;
    const tookMs = Math.max(0, (endMs ?? nowMs) - startMs);
    this.#id = id;
    setText(this.#title, title);
    setText(this.#service, service ?? '–');
    setText(this.#time, formatMs(tookMs));
    setAll(this.#state, { 'data-state': state });
    setText(this.#state, state.replace('_', ' '));
    setAll(this.#button, { 'data-id': id });
    while (this.#bar.childElementCount > spans.length) this.#bar.lastElementChild?.remove();
    while (this.#bar.childElementCount < spans.length) this.#bar.append(h('i'));
    for (const [index, [kind, from, to, outcome]] of spans.entries()) {
      const piece = this.#bar.children[index];
      if (!(piece instanceof HTMLElement)) continue;
      setAll(piece, { 'data-kind': KINDS[kind] ?? kind, 'data-outcome': outcome });
      const left = share(from, axis);
      const right = share(to ?? nowMs, axis);
      piece.style.left = `${left}%`;
      piece.style.width = `${Math.max(0, right - left)}%`;
      piece.hidden = right <= 0;
    }
  }
}

/**
 * @param {number} ms
 * @param {{ startMs: number, spanMs: number }} axis
 */
function share(ms, { startMs, spanMs }) {
  return Math.round(Math.min(Math.max((ms - startMs) / spanMs, 0), 1) * 10_000) / 100;
}

/**
 * The next of 1, 2, 5, 10 … that the time fits into. A span stays as it is until it is much too long.
 *
 * @param {number} ms
 * @param {number} currentMs
 */
function niceSpan(ms, currentMs) {
  if (ms <= currentMs && ms > currentMs * 0.35) return currentMs;
  const unit = 10 ** Math.floor(Math.log10(ms));
  return ([1, 2, 5, 10].find((step) => step * unit >= ms) ?? 10) * unit;
}
