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
  return pages.length < 50 ? [`only ${pages.length} pages`] : faults;
}

function linksOf(text) {
  const found = [...text.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link]) =>
    link.replaceAll('&amp;', '&'),
  );
  return [...new Set(found)].filter((link) => !/^[a-z][a-z+.-]*:/i.test(link));
}

function idsOf(text) {
  return new Set([...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id));
}

function isDead(page, link, ids) {
  const [path, anchor = ''] = link.split('#').map(decodeURIComponent);
  const target = path === '' ? page : join(dirname(page), path.replace(/\?.*$/, ''));
  if (!existsSync(target) || statSync(target).isDirectory()) return true;
  return anchor !== '' && ids.has(target) && !ids.get(target).has(anchor);
}
