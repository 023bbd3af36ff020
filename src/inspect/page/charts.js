/** Draws a state chart from coordinates, lights its active states and flashes its edges. */
import { s, setAll, setText, wantsStillness } from './dom.js';

/** @typedef {import('../chart-layout.js').PlacedChart} PlacedChart */

const FLASH_MS = 900;
let charts = 0;

/** A chart on the page. */
export class Chart {
  /** @type {SVGSVGElement} */
  element;
  /** @type {Map<string, { group: SVGGElement, badge: SVGTextElement, bubble: SVGCircleElement }>} */
  #states = new Map();
  /** @type {SVGPathElement[]} */
  #edges = [];
  #title;

  /**
   * @param {PlacedChart} chart
   * @param {string} name - Of whom the chart is, for those who do not see it.
   */
  constructor(chart, name) {
    charts += 1;
    const arrow = `arrow-${charts}`;
    this.name = name;
    this.#title = s('title', {}, name);
    this.element = s('svg', {
      viewBox: `0 0 ${chart.width} ${chart.height}`,
      width: chart.width,
      height: chart.height,
      role: 'img',
      class: 'state-chart',
    });
    this.element.append(
      this.#title,
      s(
        'defs',
        {},
        s(
          'marker',
          {
            id: arrow,
            viewBox: '0 0 8 8',
            refX: 7,
            refY: 4,
            markerWidth: 9,
            markerHeight: 9,
            markerUnits: 'userSpaceOnUse',
            orient: 'auto-start-reverse',
          },
          s('path', { d: 'M0 0 8 4 0 8z', class: 'arrow', fill: 'gray' }),
        ),
      ),
    );
    const [boxes, inner] = [
      chart.states.filter((state) => state.isCompound),
      chart.states.filter((state) => !state.isCompound),
    ];
    for (const state of boxes) this.#addState(state);
    for (const { points, labels, notes } of chart.edges) {
      const said = labels.map((label, index) => (notes[index] ? `${label}: ${notes[index]}` : label));
      const path = s(
        'path',
        { d: wayThrough(points), class: 'edge', 'marker-end': `url(#${arrow})` },
        s('title', {}, said.join('\n')),
      );
      this.#edges.push(path);
      this.element.append(path);
    }
    for (const state of inner) this.#addState(state);
    for (const { label, labels } of chart.edges) {
      if (label === null) continue;
      const text = s('text', { class: 'edge-label', x: label.x, y: label.y - (labels.length - 1) * 6 });
      text.append(...labels.map((line, index) => s('tspan', { x: label.x, dy: index === 0 ? 3 : 12 }, line)));
      this.element.append(text);
    }
  }

  /**
   * Lights states. A state that holds several actors shows how many.
   *
   * @param {Readonly<Record<string, number>>} counts - How many actors are in each state; dotted names of inner states.
   */
  light(counts) {
    for (const [id, { group, badge, bubble }] of this.#states) {
      const count = Object.entries(counts).reduce(
        (sum, [state, number]) => sum + (state === id || state.startsWith(`${id}.`) ? number : 0),
        0,
      );
      setAll(group, { 'data-active': count > 0 });
      setAll(bubble, { class: count > 1 ? 'bubble many' : 'bubble' });
      setText(badge, count > 1 ? count : '');
    }
    const said = Object.entries(counts)
      .filter(([, number]) => number > 0)
      .map(([state, number]) => `${number} ${state}`);
    setText(this.#title, `${this.name}: ${said.join(', ') || 'no instance yet'}`);
  }

  /**
   * Flashes edges that fired.
   *
   * @param {Readonly<Record<number, number>>} fired
   */
  flash(fired) {
    for (const place of Object.keys(fired)) {
      const edge = this.#edges[Number(place)];
      if (edge === undefined) continue;
      for (const animation of edge.getAnimations()) animation.cancel();
      const style = getComputedStyle(edge);
      const lit = {
        stroke: style.getPropertyValue('--flash'),
        strokeWidth: wantsStillness() ? '1.4px' : '3px',
      };
      edge.animate([lit, { ...lit, offset: 0.25 }, { stroke: style.stroke, strokeWidth: '1.4px' }], {
        duration: FLASH_MS,
        easing: 'ease-out',
      });
    }
  }

  /** @param {PlacedChart['states'][number]} state */
  #addState({ id, name, description, x, y, width, height, isCompound, isFinal }) {
    const group = s('g', {
      transform: `translate(${x} ${y})`,
      class: isCompound ? 'box' : 'state',
      'data-state': name,
    });
    const bubble = s('circle', { cx: width - 4, cy: 3, r: 9, class: 'bubble' });
    const badge = s('text', { class: 'badge', x: width - 4, y: 6.5 });
    group.append(
      s('title', {}, description || name),
      s('rect', { width, height, rx: isCompound ? 10 : 9 }),
      ...(isFinal
        ? [s('rect', { x: 3, y: 3, width: width - 6, height: height - 6, rx: 6, class: 'final' })]
        : []),
      s(
        'text',
        isCompound
          ? { x: 10, y: 15, class: 'box-name' }
          : { x: width / 2, y: height / 2 + 4.5, class: 'name' },
        name,
      ),
    );
    if (!isCompound) group.append(bubble, badge);
    this.#states.set(id, { group, badge, bubble });
    this.element.append(group);
  }
}

/**
 * A smooth line through points: straight at its ends, rounded between.
 *
 * @param {readonly { x: number, y: number }[]} points
 */
function wayThrough(points) {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const last = rest.at(-1);
  if (last === undefined) return '';
  let way = `M${first.x} ${first.y}`;
  for (const [index, point] of rest.slice(0, -1).entries()) {
    const next = rest[index + 1] ?? last;
    const end = index === rest.length - 2 ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    way += `Q${point.x} ${point.y} ${end.x} ${end.y}`;
  }
  return rest.length === 1 ? `${way}L${last.x} ${last.y}` : way;
}
