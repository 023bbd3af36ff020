/** Small plots of the last two minutes. */
import { s, setAll, setText } from './dom.js';

const WIDTH = 120;
const HEIGHT = 28;
/**
 * What the values of a plot span.
 *
 * @typedef {{ name: string, least: number }} Period - `least`: values that the plot is wide at least.
 */

/** @type {Period} */
const LAST_MINUTES = { name: 'last two minutes', least: 30 };
/** @type {Period} */
export const WHOLE_RECORDING = { name: 'whole recording', least: 2 };

/** One line over time, with the surface below it. */
export class Plot {
  /** @type {SVGSVGElement} */
  element;
  #line = s('path', { class: 'plot-line', fill: 'none' });
  #surface = s('path', { class: 'plot-surface' });
  #mark = s('path', { class: 'plot-mark' });
  #title = s('title');
  #name;
  #format;
  #most;

  /**
   * @param {string} name
   * @param {(value: number) => string} format
   * @param {number | null} [most] - The top of the scale; without it the largest value.
   */
  constructor(name, format, most = null) {
    this.#name = name;
    this.#format = format;
    this.#most = most;
    this.element = s('svg', {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      role: 'img',
      class: 'plot',
    });
    this.element.append(this.#title, this.#surface, this.#line, this.#mark);
    // It has its name before the first value comes.
    this.draw([]);
  }

  /**
   * @param {readonly (number | null)[]} values - One a second, oldest first; null leaves a gap.
   * @param {Period} [period]
   */
  draw(values, period = LAST_MINUTES) {
    const known = values.filter((value) => value !== null);
    const top = this.#most ?? Math.max(...known, 1e-9);
    const step = WIDTH / (Math.max(values.length, period.least) - 1);
    const start = WIDTH - (values.length - 1) * step;
    let line = '';
    let surface = '';
    let openedAt = null;
    for (const [index, value] of values.entries()) {
      const x = round(start + index * step);
      if (value === null) {
        if (openedAt !== null) surface += `L${round(x - step)} ${HEIGHT}Z`;
        openedAt = null;
        continue;
      }
      const y = round(HEIGHT - 1.5 - (Math.min(value, top) / top) * (HEIGHT - 4));
      line += `${openedAt === null ? 'M' : 'L'}${x} ${y}`;
      surface += openedAt === null ? `M${x} ${HEIGHT}L${x} ${y}` : `L${x} ${y}`;
      openedAt ??= x;
    }
    if (openedAt !== null) surface += `L${WIDTH} ${HEIGHT}Z`;
    setAll(this.#line, { d: line });
    setAll(this.#surface, { d: surface });
    const largest = known.length === 0 ? 'none yet' : `at most ${this.#format(Math.max(...known))}`;
    setText(this.#title, `${this.#name}, ${period.name}: ${largest}`);
  }

  /** Shows where a moment is. @param {number} progress - 0 to 1. */
  mark(progress) {
    const x = round(Math.min(Math.max(progress, 0), 1) * (WIDTH - 1) + 0.5);
    setAll(this.#mark, { d: `M${x} 0V${HEIGHT}` });
  }
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
