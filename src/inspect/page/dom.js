/** Makes elements and texts. Nothing here takes markup: what a task says can never become part of the page. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, string | number | boolean | null>} [attributes] - False and null are left out.
 * @param {...(Node | string | number | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  setAll(element, attributes);
  element.append(
    ...children
      .filter((child) => child !== null)
      .map((child) => (typeof child === 'number' ? String(child) : child)),
  );
  return element;
}

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, string | number | boolean | null>} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function s(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  setAll(element, attributes);
  element.append(...children);
  return element;
}

/**
 * @param {Element} element
 * @param {Record<string, string | number | boolean | null>} attributes
 */
export function setAll(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null) element.removeAttribute(key);
    else if (element.getAttribute(key) !== String(value))
      element.setAttribute(key, value === true ? '' : String(value));
  }
}

/**
 * Changes a text only when it differs, so that nothing is drawn or read aloud anew.
 *
 * @param {Element} element
 * @param {string | number} text
 */
export function setText(element, text) {
  if (element.textContent !== String(text)) element.textContent = String(text);
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element "${id}".`);
  return element;
}

/** @param {number | null} ms */
export function formatMs(ms) {
  if (ms === null) return '–';
  if (ms < 1) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  const rest = `${Math.floor((seconds % 3600) / 60)} min ${seconds % 60} s`;
  return seconds < 3600 ? rest : `${Math.floor(seconds / 3600)} h ${rest}`;
}

/** @param {number} count */
export function formatCount(count) {
  if (count < 10_000) return String(Math.round(count));
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)} k` : `${(count / 1_000_000).toFixed(2)} M`;
}

/** @param {number | null} share */
export function formatShare(share) {
  return share === null ? '–' : `${(Math.floor(share * 1000) / 10).toFixed(share === 1 ? 0 : 1)} %`;
}

/** Whether the person asked for less motion. */
export function wantsStillness() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
