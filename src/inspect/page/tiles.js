/** The figures at the top: what they are at the moment, and their plots. */
import { byId, formatCount, formatMs, formatShare, h, setText } from './dom.js';
import { Plot, WHOLE_RECORDING } from './plots.js';

/** @typedef {import('../dashboard/throughput.js').Sample} Sample */

/** Name, its format, and its value in a sample. */
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

/** All figures of the top. */
export class Tiles {
  #tiles = TILES.map(makeTile);

  /**
   * Figures that are known from moment to moment.
   *
   * @param {{ running: number, queued: number, maxParallel: number | null }} stats
   * @param {string} [unlimited] - What stands for no limit.
   */
  set({ running, queued, maxParallel }, unlimited = '∞') {
    for (const { key, figure } of this.#tiles) {
      if (key === 'running') setText(figure, `${formatCount(running)} / ${maxParallel ?? unlimited}`);
      if (key === 'queued') setText(figure, formatCount(queued));
    }
  }

  /** @param {readonly Sample[]} history - Oldest first; the last one gives the other figures. */
  draw(history) {
    this.figures(history.at(-1));
    for (const { plot, value } of this.#tiles) plot.draw(history.map(value));
  }

  /** @param {readonly Sample[]} history - Of a whole recording. */
  drawRecording(history) {
    for (const { plot, value } of this.#tiles) plot.draw(history.map(value), WHOLE_RECORDING);
  }

  /** @param {Sample | undefined} sample */
  figures(sample) {
    if (sample === undefined) return;
    for (const { key, figure, format, value } of this.#tiles) {
      if (key === 'running' || key === 'queued') continue;
      const now = value(sample);
      setText(figure, now === null ? '–' : format(now));
    }
  }

  /** @param {number} progress - Where the moment is in the plots, 0 to 1. */
  mark(progress) {
    for (const { plot } of this.#tiles) plot.mark(progress);
  }
}

/** @param {typeof TILES[number]} tile */
function makeTile({ key, name, format, value, ...rest }) {
  const plot = new Plot(name, format, 'most' in rest ? rest.most : null);
  const figure = h('strong', {}, '–');
  byId('tiles').append(
    h('div', { class: 'tile', 'data-key': key }, h('span', { class: 'label' }, name), figure, plot.element),
  );
  return { key, figure, plot, format, value };
}
