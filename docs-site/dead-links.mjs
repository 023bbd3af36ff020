/** Links of the built pages that lead to no file of the site, or to no element of its page. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * @param {string} site - Folder of the site.
 * @returns {string[]} One line for each dead link.
 */
export function deadLinks(site) {
  const pages = readdirSync(site, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.html'))
    .map((path) => join(site, path));
  const texts = new Map(pages.map((path) => [path, readFileSync(path, 'utf8')]));
  const ids = new Map([...texts].map(([path, text]) => [path, idsOf(text)]));
  const faults = [...texts].flatMap(([path, text]) =>
    linksOf(text)
      .filter((link) => isDead(path, link, ids))
      .map((link) => `${relative(site, path)}: ${link}`),
  );
  return pages.length === 0 ? [`there is no page in ${site}`] : faults;
}

/** @param {string} text */
function linksOf(text) {
  const found = [...text.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link = '']) =>
    link.replaceAll('&amp;', '&'),
  );
  return [...new Set(found)].filter((link) => !/^[a-z][a-z+.-]*:/i.test(link));
}

/** @param {string} text */
function idsOf(text) {
  return new Set([...text.matchAll(/ id="([^"]*)"/g)].map(([, id = '']) => id));
}

/**
 * @param {string} page - The file that holds the link.
 * @param {string} link
 * @param {ReadonlyMap<string, ReadonlySet<string>>} ids - Of each page.
 */
function isDead(page, link, ids) {
  const [path = '', anchor = ''] = link.split('#').map(decodeURIComponent);
  const target = path === '' ? page : join(dirname(page), path.replace(/\?.*$/, ''));
  if (!existsSync(target) || statSync(target).isDirectory()) return true;
  return anchor !== '' && ids.get(target)?.has(anchor) === false;
}
