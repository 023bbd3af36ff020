/** What a page says of itself beside its text: when it was published, and where it links to. */

/** An element as far as it is read here. */
export interface PageElement {
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
}

/** A document as far as it is read here. */
export interface PageDocument {
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement> & { readonly length: number };
}

/** A link of a page, absolute. */
export interface PageLink {
  readonly text: string;
  readonly url: string;
}

/** Links that are listed; a page may have any number. */
const MOST_LINKS = 100;
const LONGEST_LINK_TEXT = 200;
/** JSON-LD that is read, in characters. */
const LONGEST_JSON_LD = 100_000;

const DATE_PLACES = [
  ['meta[property="article:published_time"]', 'content'],
  ['meta[itemprop="datePublished"]', 'content'],
  ['meta[name="date"]', 'content'],
  ['meta[name="dc.date"]', 'content'],
  ['meta[name="DC.date.issued"]', 'content'],
  ['meta[name="pubdate"]', 'content'],
  ['time[itemprop="datePublished"]', 'datetime'],
  ['article time[datetime]', 'datetime'],
  ['time[datetime]', 'datetime'],
] as const;

/** When the page says that it was published, as it says it; null when it does not, or in no form that is a date. */
export function dateOf(document: PageDocument): string | null {
  const stated = DATE_PLACES.map(([selector, name]) => document.querySelector(selector)?.getAttribute(name));
  const [first, ...others] = stated;
  // A time element may stand beside anything, so what is said for machines goes before it.
  const dates = [first, dateInJsonLd(document), ...others].map((date) => date?.trim() ?? '');
  return (
    dates.find((date) => date.length <= 40 && /\d{4}/.test(date) && !Number.isNaN(Date.parse(date))) ?? null
  );
}

function dateInJsonLd(document: PageDocument): string | null {
  for (const { textContent } of document.querySelectorAll('script[type="application/ld+json"]')) {
    if (textContent === null || textContent.length > LONGEST_JSON_LD) continue;
    const date = /"datePublished"\s*:\s*"([^"]{4,40})"/.exec(textContent)?.[1];
    if (date !== undefined) return date;
  }
  return null;
}

/** The first links to other places, each once, without those within the page and those that are no web addresses. */
export function linksOf(document: PageDocument, pageUrl: string): PageLink[] {
  const baseText = document.querySelector('base[href]')?.getAttribute('href') ?? '';
  const base = URL.canParse(baseText, pageUrl) ? new URL(baseText, pageUrl).href : pageUrl;
  const links = new Map<string, PageLink>();
  for (const anchor of document.querySelectorAll('a[href]')) {
    if (links.size === MOST_LINKS) break;
    const href = anchor.getAttribute('href') ?? '';
    if (href.startsWith('#') || !URL.canParse(href, base)) continue;
    const { protocol, href: url } = new URL(href, base);
    if ((protocol !== 'http:' && protocol !== 'https:') || links.has(url)) continue;
    const text = (anchor.textContent ?? '').replace(/\s+/g, ' ').trim().slice(0, LONGEST_LINK_TEXT);
    links.set(url, { text, url });
  }
  return [...links.values()];
}
