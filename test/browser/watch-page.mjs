/**
 * Looks at a dashboard in Chromium, in a process of its own, and tells what that costs the page:
 * `node watch-page.mjs URL`. Says `{"ready":true}` on stdout once the page is live. From then on it counts how often the
 * page's figures change and measures its heap; when stdin ends it says all of it in one line.
 */
import { openBrowser } from './chromium.mjs';

const SAMPLE_MS = 3000;

const [url = ''] = process.argv.slice(2);
const browser = await openBrowser();
const page = await browser.newPage({ viewport: { width: 1440, height: 1350 } });
const faults = [];
page.on('pageerror', ({ message }) => faults.push(message));
page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
await page.goto(url);
await page.waitForSelector('#connection[data-state=live]');
const devtools = await page.context().newCDPSession(page);
await page.evaluate(() => {
  // A frame changes at least one figure of a service; what the page draws by itself between frames is none.
  window.updates = 0;
  const observer = new MutationObserver(() => {
    window.updates += 1;
  });
  for (const figures of document.querySelectorAll('.service .figures'))
    observer.observe(figures, { childList: true, characterData: true, subtree: true });
});

const began = performance.now();
/** @type {{ atMs: number, heapBytes: number, nodes: number, updates: number }[]} */
const samples = [];
let isOver = false;
process.stdin.resume().once('end', () => {
  isOver = true;
});
console.log(JSON.stringify({ ready: true }));
await sample();
while (!isOver) {
  await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  if (!isOver) await sample();
}
await browser.close();
console.log(JSON.stringify({ samples, faults }));

async function sample() {
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  const { nodes } = await devtools.send('Memory.getDOMCounters');
  const updates = await page.evaluate(() => window.updates);
  samples.push({ atMs: performance.now() - began, heapBytes: usedSize, nodes, updates });
}
