/** Reads the built site as a visitor does, from a server that knows nothing but its files. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../test/browser/chromium.mjs';

const out = fileURLToPath(new URL('../out/browser/', import.meta.url));
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/**
 * @param {string} site - Folder of the site.
 * @param {(name: string, run: () => Promise<string[]>) => Promise<void>} check
 */
export async function checkSite(site, check) {
  mkdirSync(out, { recursive: true });
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://site').pathname));
    const file = join(site, path === '/' ? 'index.html' : path);
    try {
      const body = await readFile(file);
      response
        .writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' })
        .end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await openBrowser();
  const page = await browser.newPage({ viewport: { width: 1300, height: 1000 } });
  const faults = [];
  page.on(
    'console',
    (message) => ['error', 'warning'].includes(message.type()) && faults.push(message.text()),
  );
  page.on('pageerror', (cause) => faults.push(cause.message));
  page.on('requestfailed', (request) => faults.push(`failed ${request.url()}`));
  page.on(
    'request',
    (request) => new URL(request.url()).origin !== origin && faults.push(`asked ${request.url()}`),
  );

  await check('search finds a guide by a word of its text', () =>
    finds(page, origin, 'jitter', /jitter/i, 'Limits and retries'),
  );
  await check('search finds a name of the API', () =>
    finds(page, origin, 'createOrchestrator', /createOrchestrator\(/, 'createOrchestrator'),
  );
  await check('the machines are drawn', () => draws(page, origin));
  await check('every guide stands in the navigation', () => lists(page, origin));
  await check('nothing is asked of another host, and no page complains', async () => faults);
  await browser.close();
  server.close();
}

/** Types a query into the search, follows the hit that is named, and reads what is wanted there. */
async function finds(page, origin, query, wanted, title) {
  await page.goto(origin);
  await page.click('#tsd-search-trigger');
  await page.fill('#tsd-search-input', query);
  const hit = page.locator('#tsd-search-results a', { hasText: title }).first();
  await hit.waitFor();
  await hit.click();
  await page.waitForLoadState();
  assert.notEqual(new URL(page.url()).pathname, '/');
  assert.match(await page.locator('.col-content').textContent(), wanted);
  return [];
}

async function draws(page, origin) {
  await page.goto(`${origin}/documents/How_it_works.html`);
  await page.waitForSelector('figure.diagram:nth-of-type(1) svg');
  await page.waitForFunction(() => document.querySelectorAll('figure.diagram svg').length === 2);
  const text = await page.locator('figure.diagram').first().textContent();
  for (const state of ['idle', 'busy', 'retrying', 'failed'])
    assert.ok(text.includes(state), `${state} is not drawn`);
  await page.screenshot({ path: join(out, 'site-how-it-works.png'), fullPage: true });
  return [];
}

async function lists(page, origin) {
  await page.goto(origin);
  const guides = ['Tutorial', 'Routing', 'Security', 'Benchmarks', 'Comparison', 'No breaker library'];
  for (const guide of guides) {
    await page.locator('nav.tsd-navigation a', { hasText: guide }).first().waitFor({ state: 'attached' });
  }
  await page.screenshot({ path: join(out, 'site-start.png') });
  return [];
}
