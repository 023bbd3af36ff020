/** From a served document to the text a reader would see. */

import { Readability } from '@mozilla/readability';
import { parseHTML } from 'linkedom';
import type { FetchedDocument } from '../guarded-fetch.js';
import { invalidInput } from '../input-errors.js';
import { dateOf, linksOf, type PageDocument, type PageElement, type PageLink } from './responses-metadata.js';

/** A page as text. */
export interface PageReading {
  /** After redirects. */
  readonly url: string;
  readonly kind: 'page' | 'text' | 'json';
  readonly title: string | null;
  readonly text: string;
  /** When it was published, as the page says it; null when it does not. */
  readonly date: string | null;
  /** The first hundred links to other places, absolute. */
  readonly links: readonly PageLink[];
  /** Links on the whole page, navigation included; 0 for other kinds. */
  readonly totalLinks: number;
  /** Whether the article was told apart from what surrounds it; false: all text of the body. */
  readonly isArticle: boolean;
}

/** The part of the DOM that is used here; linkedom's own types need those of a browser. */
interface HtmlNode extends PageElement {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly firstChild: HtmlNode | null;
  readonly nextSibling: HtmlNode | null;
  readonly parentNode: HtmlNode | null;
}
interface HtmlDocument extends PageDocument {
  readonly body: HtmlNode | null;
  readonly documentElement: HtmlNode | null;
}

const HTML_TYPES = new Set(['text/html', 'application/xhtml+xml']);
const TEXT_TYPES = /^(?:text\/|application\/(?:json|xml|javascript|yaml|toml|[\w.-]+\+(?:json|xml))$)/;
const JSON_TYPES = /^(?:application|text)\/(?:[\w.-]+\+)?json$/;

/**
 * Readability holds the event loop for a time that grows with the elements, and with the square of the depth at which
 * they stand: 500 nested divisions take a second, 2,000 a minute. Beyond this much the body text serves.
 */
const MAX_ELEMENTS = 20_000;
const MAX_SQUARED_DEPTHS = 20_000_000;

/** An article shorter than this, in characters, is a thin page: the body text says more. */
const LEAST_ARTICLE = 140;

const ELEMENT_NODE = 1;
const TEXT_NODE = 3;
const UNSEEN = new Set(['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'SVG', 'HEAD', 'TITLE', 'IFRAME']);
const BLOCKS = new Set(
  'ADDRESS ARTICLE ASIDE BLOCKQUOTE BR DD DIV DL DT FIGCAPTION FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 HEADER HR LI MAIN NAV OL P PRE SECTION TABLE TR UL'.split(
    ' ',
  ),
);

/**
 * @throws OrchestratorError `INVALID_INPUT` for documents that are no text
 */
export function readPage(document: FetchedDocument): PageReading {
  const { url, contentType } = document;
  const type = contentType === '' ? sniffedType(document) : contentType;
  if (HTML_TYPES.has(type)) return readHtml(url, decode(document));
  if (!TEXT_TYPES.test(type)) {
    const message = `${url} serves ${type}, not a page or text; save it in a folder that may be read and give its path to the service "vision".`;
    throw invalidInput('unsupported-type', message, { url, contentType: type });
  }
  const kind = JSON_TYPES.test(type) ? 'json' : 'text';
  const text = decode(document).trim();
  return { url, kind, title: null, date: null, text, links: [], totalLinks: 0, isArticle: false };
}

/** The visible text of an HTML source, one line a block. */
export function htmlToText(html: string): string {
  const document = parse(html);
  return textOf(document.body ?? document.documentElement);
}

function readHtml(url: string, html: string): PageReading {
  const document = parse(html);
  // Readability takes the document apart, so what else is wanted is read first.
  const about = {
    date: dateOf(document),
    links: linksOf(document, url),
    totalLinks: document.querySelectorAll('a[href]').length,
  };
  const title = document.querySelector('title')?.textContent?.trim() ?? '';
  const article = articleOf(document);
  if (article !== null && article.text.length >= LEAST_ARTICLE) {
    const heading = article.title?.trim() || title;
    return { url, kind: 'page', title: heading || null, text: article.text, ...about, isArticle: true };
  }
  return { url, kind: 'page', title: title || null, text: htmlToText(html), ...about, isArticle: false };
}

function articleOf(document: HtmlDocument): { title: string | null | undefined; text: string } | null {
  if (isTooMuch(document)) return null;
  try {
    const options = { serializer: (node: unknown) => node as HtmlNode };
    const article = new Readability<HtmlNode>(document as never, options).parse();
    return article === null ? null : { title: article.title, text: textOf(article.content ?? null) };
  } catch {
    // It throws on documents that it cannot make sense of: the body text is the answer then.
    return null;
  }
}

function parse(html: string): HtmlDocument {
  return parseHTML(isWhole(html) ? html : completed(html)).document as HtmlDocument;
}

/** linkedom, unlike a browser, adds no head or body that the source leaves out, and then finds neither. */
function isWhole(html: string): boolean {
  return /<html[\s>]/i.test(html) && /<head[\s>]/i.test(html) && /<body[\s>]/i.test(html);
}

function completed(html: string): string {
  const content = html.replace(/<!doctype[^>]*>|<\/?(?:html|head|body)(?:\s[^>]*)?>/gi, '');
  return `<!doctype html><html><head></head><body>${content}</body></html>`;
}

function isTooMuch(document: HtmlDocument): boolean {
  let elements = 0;
  let squaredDepths = 0;
  walk(document.documentElement, (node, depth) => {
    if (node.nodeType !== ELEMENT_NODE) return true;
    elements++;
    squaredDepths += depth * depth;
    return elements <= MAX_ELEMENTS && squaredDepths <= MAX_SQUARED_DEPTHS;
  });
  return elements > MAX_ELEMENTS || squaredDepths > MAX_SQUARED_DEPTHS;
}

function textOf(root: HtmlNode | null): string {
  const parts: string[] = [];
  walk(
    root,
    (node) => {
      if (node.nodeType === TEXT_NODE) parts.push((node.textContent ?? '').replace(/\s+/g, ' '));
      if (isBlock(node)) parts.push('\n');
      return !UNSEEN.has(node.nodeName.toUpperCase());
    },
    (node) => {
      if (isBlock(node)) parts.push('\n');
    },
  );
  const text = parts
    .join('')
    .replace(/ *\n */g, '\n')
    .replace(/ {2,}/g, ' ');
  return text.replace(/\n{3,}/g, '\n\n').trim();
}

/**
 * Visits a tree in the order of its source, without recursion: pages may be nested deeper than the stack.
 *
 * @param enter - Told of each node; false leaves out what is inside.
 * @param leave - Told of each node after what is inside.
 */
function walk(
  root: HtmlNode | null,
  enter: (node: HtmlNode, depth: number) => boolean,
  leave: (node: HtmlNode) => void = () => {},
): void {
  let node = root;
  let depth = 0;
  while (node !== null) {
    if (enter(node, depth) && node.firstChild !== null) {
      node = node.firstChild;
      depth++;
      continue;
    }
    leave(node);
    while (node !== root && node.nextSibling === null && node.parentNode !== null) {
      node = node.parentNode;
      depth--;
      leave(node);
    }
    if (node === root) return;
    node = node.nextSibling;
  }
}

function isBlock(node: HtmlNode): boolean {
  return BLOCKS.has(node.nodeName.toUpperCase());
}

function decode({ body, charset }: FetchedDocument): string {
  const head = Buffer.from(body.subarray(0, 1024)).toString('latin1');
  const named = charset ?? /<meta[^>]+charset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(named).decode(body);
  } catch (error) {
    // A charset nobody knows: the page still is mostly ASCII.
    if (error instanceof RangeError) return new TextDecoder().decode(body);
    throw error;
  }
}

function sniffedType({ body }: FetchedDocument): string {
  if (body.subarray(0, 1024).includes(0)) return 'application/octet-stream';
  const head = Buffer.from(body.subarray(0, 1024)).toString('latin1');
  return /^\s*<(?:!doctype|html|head|body|!--)/i.test(head) ? 'text/html' : 'text/plain';
}
