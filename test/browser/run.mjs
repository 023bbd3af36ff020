/**
 * Looks at the dashboard in a real browser: a real orchestrator runs 200 tasks with failures; the page shows their states,
 * a circuit that opens and closes, and cancels a task by its button; axe finds no fault in light and dark; nothing is
 * asked of any other machine. Also the replay of a recorded history, and the Stately bridge's handshake, with a page that stands for the inspector. Screenshots
 * go to out/browser. The last lines tell each check; exit code 1 when one failed.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axeCore from 'axe-core';
import { createOrchestrator } from '../../dist/index.js';
import { serveStately } from '../../dist/inspect/stately/serve-stately.js';
import { StatelyBridge } from '../../dist/inspect/stately/stately-bridge.js';
import { openBrowser } from './chromium.mjs';
import { openReplay } from './replay-scene.mjs';
import { openScene, TOKEN, textsOf } from './scene.mjs';

const out = fileURLToPath(new URL('../../out/browser/', import.meta.url));
const axe = axeCore.source;
const browser = await openBrowser();
/** Only checks whose name contains one of these texts, when there are some. */
const wanted = process.argv.slice(2);
let [passed, failed] = [0, 0];

mkdirSync(out, { recursive: true });
await check('a page without a token asks for it, and shows nothing', asksForToken);
await check('200 tasks with failures are shown as they go, and a circuit opens and closes', showsTasks);
await check('a task is cancelled by its button, and the keyboard reaches everything', cancelsTask);
await check('axe finds no fault in light and dark, narrow and wide', passesAxe);
await check('pause, resume and maxParallel work from the page', takesOrders);
await check('a task that is run from the page opens with its route and result', runsTask);
await check('texts of tasks never become part of the page', escapesTexts);
await check('the page comes back when the server does', comesBack);
await check(
  'a recorded history is played, stepped through and searched, and takes no orders',
  replaysHistory,
);
await check('the bridge page hands messages over once the inspector says that it is there', bridgesStately);
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
// What a failed check left open would keep the process.
process.exit(failed === 0 ? 0 : 1);

async function check(name, run) {
  if (wanted.length > 0 && !wanted.some((text) => name.includes(text))) return;
  try {
    await run();
    passed += 1;
    console.log(`ok: ${name}`);
  } catch (cause) {
    failed += 1;
    console.log(`FAILED: ${name}\n${cause.stack}`);
  }
}

/** A page of a scene; what it asks of others and what its console says are faults. */
async function openPage(scene, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1350 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on(
    'console',
    (message) => ['error', 'warning'].includes(message.type()) && faults.push(message.text()),
  );
  page.on('pageerror', (cause) => faults.push(cause.message));
  page.on('request', (request) => {
    const { origin } = new URL(request.url());
    if (origin !== scene.dashboard.url) faults.push(`asked ${request.url()}`);
  });
  await page.goto(scene.dashboard.urlWithToken);
  await page.waitForSelector('#connection[data-state=live]');
  return { page, faults, close: () => context.close() };
}

async function asksForToken() {
  const scene = await openScene();
  const page = await browser.newPage();
  await page.goto(scene.dashboard.url);
  await page.waitForSelector('#token-dialog[open]');
  assert.equal(await page.locator('.service').count(), 0);
  await page.fill('#token', TOKEN);
  await page.click('#token-form button');
  await page.waitForSelector('.service');
  await page.close();
  await scene.close();
}

async function showsTasks() {
  const scene = await openScene();
  const { page, faults, close } = await openPage(scene);
  assert.ok(!page.url().includes(TOKEN), 'the token stays in the address');
  const seen = new Set();
  await page.exposeFunction('saw', (state) => seen.add(state));
  await page.evaluate(() => {
    const look = () => {
      for (const state of document.querySelectorAll('.state[data-active]')) window.saw(state.dataset.state);
      for (const edge of document.querySelectorAll('.service .edge'))
        if (edge.getAnimations().length > 0) window.saw('flash');
    };
    setInterval(look, 20);
  });
  scene.isBroken = true;
  const results = scene.orchestrator.executeParallel(textsOf(200));
  await page.waitForSelector('[data-service=responses][data-state=failed]');
  await page.screenshot({ path: join(out, 'circuit-open.png') });
  assert.match(await page.locator('#news').textContent(), /The circuit of \w+ opened/);
  // Whatever the retries mend: this one fails.
  const failed = await scene.orchestrator.execute('Search in vain', { service: 'responses', maxRetries: 0 });
  assert.notEqual(failed.status, 'completed');
  scene.isBroken = false;
  await page.click('[data-service=responses] .circuit button');
  await page.waitForSelector('[data-service=responses]:not([data-state=failed])');
  await results;
  await page.waitForFunction(
    () => document.querySelector('.tile[data-key=queued] strong')?.textContent === '0',
  );
  for (const state of ['idle', 'busy', 'retrying', 'failed', 'flash'])
    assert.ok(seen.has(state), `${state} was not seen`);
  const completed = scene.orchestrator.stats().completed;
  await page.waitForTimeout(300);
  const shown = (await page.locator('.service .figure:nth-child(2) dd:nth-of-type(1)').allTextContents()).map(
    Number,
  );
  assert.equal(
    shown.reduce((sum, count) => sum + count, 0),
    completed,
  );
  await page.check('input[value=failed]', { force: true });
  await page.waitForSelector(`.row[data-id="${failed.taskId}"]`);
  assert.deepEqual(faults, []);
  await close();
  await scene.close();
}

async function cancelsTask() {
  const scene = await openScene({ pace: 1000 });
  const { page, faults, close } = await openPage(scene);
  const task = scene.orchestrator.submit('Extract the text of a very long book');
  await page.waitForSelector(`.row[data-id="${task.taskId}"]`);
  // By the keyboard alone: tab to the line, open it, tab to the button, press it.
  await page.focus(`.row[data-id="${task.taskId}"]`);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#task-dialog[open] .why');
  await page.screenshot({ path: join(out, 'task.png') });
  await page.focus('#task-dialog .danger');
  await page.keyboard.press('Enter');
  assert.equal((await task.result()).status, 'cancelled');
  await page.waitForSelector('#task-dialog [data-state=cancelled]');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#task-dialog[open]').count(), 0);
  assert.deepEqual(faults, []);
  await close();
  await scene.close();
}

async function passesAxe() {
  const scene = await openScene();
  const results = scene.orchestrator.executeParallel(textsOf(120));
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1440, 420]) {
      const { page, close } = await openPage(scene, {
        colorScheme,
        viewport: { width, height: 1200 },
        bypassCSP: true,
      });
      await page.waitForSelector('.row');
      await faultsOf(page, `${colorScheme} ${width}`);
      await page.locator('.row').first().click();
      await page.waitForSelector('#task-dialog[open] table');
      await faultsOf(page, `dialog ${colorScheme} ${width}`);
      await page.keyboard.press('Escape');
      await page.locator('.service .quiet').first().click();
      await faultsOf(page, `chart ${colorScheme} ${width}`);
      await page.screenshot({ path: join(out, `chart-${colorScheme}-${width}.png`) });
      await page.keyboard.press('Escape');
      assert.ok(
        await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1),
        `the page is wider than ${width}`,
      );
      await page.screenshot({ path: join(out, `page-${colorScheme}-${width}.png`) });
      await close();
    }
  }
  await results;
  await scene.close();
}

async function faultsOf(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const found = violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`)
        .slice(0, 3)
        .join(' | ')}`,
  );
  assert.deepEqual(found, [], what);
}

async function takesOrders() {
  const scene = await openScene();
  const { page, faults, close } = await openPage(scene);
  await page.click('#pause');
  await page.waitForSelector('#supervisor-state[data-state=paused]');
  assert.ok(scene.orchestrator.isPaused);
  await page.click('#pause');
  await page.waitForSelector('#supervisor-state[data-state=active]');
  await page.fill('#max-parallel', '3');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() =>
    document.querySelector('.tile[data-key=running] strong')?.textContent?.endsWith('/ 3'),
  );
  assert.equal(scene.orchestrator.stats().maxParallel, 3);
  assert.deepEqual(faults, []);
  await close();
  await scene.close();
}

async function runsTask() {
  const scene = await openScene();
  const { page, faults, close } = await openPage(scene);
  await page.fill('#run-task', 'Scan the picture of the whiteboard');
  await page.click('#run button[type=submit]');
  await page.click('#run-answer button');
  await page.waitForSelector('#task-dialog [data-state=completed]');
  const text = await page.locator('#task-dialog').textContent();
  for (const part of ['Scan the picture', 'keyword', 'vision#0', 'Invoice 2041'])
    assert.ok(text.includes(part), `${part} is not shown`);
  assert.deepEqual(faults, []);
  await close();
  await scene.close();
}

async function escapesTexts() {
  const scene = await openScene();
  const { page, faults, close } = await openPage(scene);
  const text =
    'Extract <img src=x onerror="window.owned = 1"><script>window.owned = 1</script> "><svg onload=alert(1)>';
  const { taskId } = await scene.orchestrator.execute(text);
  await page.click(`.row[data-id="${taskId}"]`);
  await page.waitForSelector('#task-dialog .text');
  assert.equal(await page.evaluate(() => window.owned), undefined);
  assert.equal(await page.locator('#task-dialog .text').first().textContent(), text);
  assert.deepEqual(faults, []);
  await close();
  await scene.close();
}

async function replaysHistory() {
  const scene = await openReplay();
  assert.ok(scene.said.includes('The last line was not written to its end, and is left out.'), scene.said);
  const { page, faults, close } = await openPage(scene);
  const textOf = (selector) => page.locator(selector).first().textContent();
  await page.waitForSelector('.facts-list li');
  // Nothing that would steer is there, by eye or by key.
  for (const steering of ['#pause', '#max-parallel', '#run', '.circuit button', '#supervisor-chart', '#hold'])
    assert.equal(await page.locator(steering).filter({ visible: true }).count(), 0, steering);
  assert.match(await textOf('#notices'), /not written to its end/);
  assert.match(await textOf('#moment'), /^0\.0 ms of /);
  // It plays to a moment when the circuit is open, and stops where it is told to.
  await page.selectOption('#speed', '2');
  await page.click('#play');
  await page.waitForSelector('[data-service=responses][data-state=failed]');
  const flashes = await page.evaluate(async () => {
    let seen = 0;
    for (let turn = 0; turn < 40 && seen === 0; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      for (const edge of document.querySelectorAll('.service .edge')) seen += edge.getAnimations().length;
    }
    return seen;
  });
  assert.ok(flashes > 0, 'no edge flashed');
  await page.click('#play');
  const paused = await textOf('#moment');
  await page.waitForTimeout(300);
  assert.equal(await textOf('#moment'), paused);
  // By keys alone: to the beginning, on from fact to fact, back again, and to the end.
  await page.focus('#position');
  await page.keyboard.press('Home');
  await page.waitForSelector('#step-back[aria-disabled=true]');
  assert.match(await textOf('#moment'), /^0\.0 ms of /);
  const first = await textOf('#facts-about');
  await page.keyboard.press('.');
  await page.waitForFunction((text) => document.getElementById('facts-about')?.textContent !== text, first);
  assert.match(await page.getAttribute('#position', 'aria-valuetext'), / of /);
  await page.keyboard.press(',');
  await page.waitForFunction((text) => document.getElementById('facts-about')?.textContent === text, first);
  await page.keyboard.press('End');
  await page.waitForSelector('#step-on[aria-disabled=true]');
  await page.waitForFunction(
    () => document.querySelector('.tile[data-key=queued] strong')?.textContent === '0',
  );
  // A task of the past: its attempts with their own codes.
  await page.keyboard.press('Home');
  await page.keyboard.press('Space');
  await page.waitForFunction(() => document.getElementById('play')?.textContent === 'Pause');
  await page.keyboard.press('End');
  await page.waitForFunction(() => document.getElementById('play')?.textContent === 'Play');
  await page.click('.row:has(i[data-kind=backoff])');
  await page.waitForSelector('#task-dialog table');
  assert.match(await textOf('#task-dialog'), /attempt 1[\s\S]*SERVICE_FAILED/);
  assert.equal(await page.locator('#task-dialog .danger').filter({ visible: true }).count(), 0);
  await page.screenshot({ path: join(out, 'replay-task.png') });
  await page.keyboard.press('Escape');
  assert.deepEqual(faults, []);
  await close();
  await looksAtReplay(scene);
  assert.equal(await scene.close(), 0);
}

async function looksAtReplay(scene) {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1440, 420]) {
      const what = `replay ${colorScheme} ${width}`;
      const viewport = { width, height: 1200 };
      const { page, close } = await openPage(scene, { colorScheme, viewport, bypassCSP: true });
      await page.fill('#position', '5500');
      await page.waitForSelector('.row');
      await page.waitForSelector('.facts-list li:nth-child(5)');
      await faultsOf(page, what);
      assert.ok(
        await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1),
        `${what} is wider than ${width}`,
      );
      // Parts that are cut off or lie upon each other are what one sees first.
      assert.deepEqual(await page.evaluate(overlaps), [], what);
      await page.screenshot({ path: join(out, `replay-${colorScheme}-${width}.png`) });
      await close();
    }
  }
}

/** Pairs of the player's parts, and of cards, that lie upon each other. Runs in the page. */
function overlaps() {
  const boxes = [...document.querySelectorAll('.player .line > *, .tile, .card')].map((element) => ({
    name: element.id || element.className,
    box: element.getBoundingClientRect(),
  }));
  const isUpon = (a, b) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  return boxes.flatMap(({ name, box }, index) =>
    boxes.slice(index + 1).flatMap((other) => (isUpon(box, other.box) ? `${name} and ${other.name}` : [])),
  );
}

async function comesBack() {
  const scene = await openScene();
  const { page, close } = await openPage(scene);
  await page.context().setOffline(true);
  await page.evaluate(() => 0);
  const { port } = new URL(scene.dashboard.url);
  await scene.dashboard.close();
  await page.waitForSelector('#connection[data-state=lost]');
  const { serveDashboard } = await import('../../dist/inspect/dashboard/serve-dashboard.js');
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const again = await serveDashboard(scene.orchestrator, {
    port: Number(port),
    token: TOKEN,
    version: '2',
    log,
  });
  await page.context().setOffline(false);
  await page.waitForSelector('#connection[data-state=live]', { timeout: 20_000 });
  await close();
  await again.close();
  await scene.close();
}

async function bridgesStately() {
  const received = [];
  const inspector = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<script>
      addEventListener('message', ({ data }) => fetch('/got', { method: 'POST', body: JSON.stringify(data) }));
      setTimeout(() => parent.postMessage({ type: '@statelyai.connected' }, '*'), 300);
    </script>`);
  });
  inspector.on('request', async (request) => {
    if (request.url !== '/got') return;
    let text = '';
    for await (const chunk of request) text += chunk;
    received.push(JSON.parse(text));
  });
  await new Promise((resolve) => inspector.listen(0, '127.0.0.1', resolve));
  const bridge = new StatelyBridge();
  const orchestrator = createOrchestrator({ services: { echo: (task) => task }, inspect: bridge.inspect });
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const inspectorUrl = `http://127.0.0.1:${inspector.address().port}/inspect`;
  const server = await serveStately(bridge, { port: 0, token: TOKEN, inspectorUrl, log });
  const page = await browser.newPage();
  await page.goto(server.urlWithToken);
  await page.waitForFunction(() => document.getElementById('state')?.textContent?.startsWith('live'));
  await orchestrator.execute('hello');
  for (let turn = 0; turn < 100 && new Set(received.map(({ type }) => type)).size < 3; turn += 1)
    await page.waitForTimeout(50);
  assert.deepEqual([...new Set(received.map(({ type }) => type))].sort(), [
    '@xstate.actor',
    '@xstate.event',
    '@xstate.snapshot',
  ]);
  assert.ok(!page.url().includes(TOKEN));
  await page.close();
  await server.close();
  await orchestrator.close();
  inspector.closeAllConnections();
  inspector.close();
}
