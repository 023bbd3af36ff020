/** The services: one card each, with its chart, its instances and its figures. */
import { Chart } from './charts.js';
import { byId, formatCount, formatMs, formatShare, h, setAll, setText } from './dom.js';
import { order } from './feed.js';
import { Plot, WHOLE_RECORDING } from './plots.js';

/** @typedef {import('./feed.js').Hello} Hello */
/** @typedef {import('./feed.js').Frame} Frame */
/** @typedef {Frame['services'][number]} ServiceLine */
/** @typedef {Hello['history'][string][number]} Sample */
/** @typedef {import('./feed.js').RecordingHello} RecordingHello */

const INSTANCE_STATES = /** @type {const} */ (['busy', 'retrying', 'idle', 'failed']);

/** The cards of all services. */
export class Services {
  /** @type {Map<string, Card>} */
  #cards = new Map();
  #charts;
  /** @type {{ service: string, chart: Chart } | null} */
  #opened = null;
  /** @type {readonly ServiceLine[]} */
  #lines = [];

  /** @param {Hello | RecordingHello} hello */
  constructor(hello) {
    this.#charts = hello.charts;
    const cards = hello.services.map(({ name }) => {
      const card = new Card(name, hello, () => this.#open(name));
      this.#cards.set(name, card);
      return card.element;
    });
    byId('services').replaceChildren(...cards);
    this.update(hello.services);
  }

  /** @param {readonly ServiceLine[]} services */
  update(services) {
    this.#lines = services;
    for (const service of services) {
      this.#cards.get(service.name)?.update(service);
      if (this.#opened?.service !== service.name) continue;
      this.#opened.chart.light(service.instances);
      this.#opened.chart.flash(service.fired);
    }
  }

  /** @param {Readonly<Record<string, Sample>>} samples */
  sample(samples) {
    for (const [name, card] of this.#cards) {
      const sample = samples[name];
      if (sample) card.sample(sample);
    }
  }

  /**
   * Shows a moment of a recording in figures and plots.
   *
   * @param {number} column
   * @param {number} progress
   */
  mark(column, progress) {
    for (const card of this.#cards.values()) card.mark(column, progress);
  }

  /** @param {string} service */
  #open(service) {
    const dialog = /** @type {HTMLDialogElement} */ (byId('chart-dialog'));
    const chart = new Chart(this.#charts.serviceLabelled, `Instances of ${service}`);
    const close = h('button', { type: 'button' }, 'Close');
    close.addEventListener('click', () => dialog.close());
    dialog.replaceChildren(
      h('header', {}, h('h2', { id: 'chart-title' }, `Instances of ${service}`), close),
      h('p', { class: 'about' }, this.#charts.serviceLabelled.description),
      h('div', { class: 'chart', tabindex: 0, role: 'group', 'aria-label': 'Chart' }, chart.element),
      h(
        'dl',
        { class: 'states' },
        ...this.#charts.serviceLabelled.states.flatMap(({ name, description }) => [
          h('dt', {}, name),
          h('dd', {}, description),
        ]),
      ),
      h('h3', {}, 'What the names mean'),
      termsOf(this.#charts.serviceLabelled),
    );
    this.#opened = { service, chart };
    chart.light(this.#lines.find(({ name }) => name === service)?.instances ?? {});
    dialog.addEventListener(
      'close',
      () => {
        this.#opened = null;
      },
      { once: true },
    );
    dialog.showModal();
  }
}

class Card {
  /** @type {HTMLElement} */
  element;
  #name;
  #isRecorded;
  #chart;
  #state = h('span', { class: 'pill' });
  #instances = h('div', { class: 'instances', role: 'img' });
  #error = h('p', { class: 'last-error' });
  #retry = h('span');
  #reset = h('button', { type: 'button', class: 'small live' }, 'Reset circuit');
  #circuit = h('div', { class: 'circuit' }, this.#retry, this.#reset);
  #figures;
  /** @type {Sample[]} */
  #history;
  #plots = {
    queued: new Plot('Waiting', formatCount),
    p50: new Plot('p50', formatMs),
    p95: new Plot('p95', formatMs),
    success: new Plot('Success rate', formatShare, 1),
  };

  /**
   * @param {string} name
   * @param {Hello | RecordingHello} hello
   * @param {() => void} onOpen
   */
  constructor(name, hello, onOpen) {
    this.#name = name;
    this.#isRecorded = hello.type === 'recording';
    this.#history = [...(hello.history[name] ?? [])];
    this.#chart = new Chart(hello.charts.service, `Instances of ${name}`);
    this.#figures = Object.fromEntries(
      ['running', 'queued', 'completed', 'failed', 'success', 'p50', 'p95'].map((key) => [
        key,
        h('dd', {}, '–'),
      ]),
    );
    // A recording says nothing of its services, whatever they are called.
    const about = Object.hasOwn(hello.about, name) ? hello.about[name] : undefined;
    const open = h(
      'button',
      { type: 'button', class: 'small quiet', 'aria-label': `Show the chart of ${name} with its labels` },
      'Labels',
    );
    open.addEventListener('click', onOpen);
    this.#reset.addEventListener('click', () => this.#resetCircuit());
    setAll(this.#reset, { 'aria-label': `Reset circuit of ${name}` });
    this.element = h(
      'article',
      { class: 'card service', 'data-service': name },
      h(
        'header',
        {},
        h('h3', {}, name),
        this.#state,
        open,
        h('p', { class: 'about' }, about?.description || about?.capabilities.join(', ') || ''),
      ),
      h('div', { class: 'chart' }, this.#chart.element),
      this.#instances,
      h('dl', { class: 'figures' }, ...this.#figurePairs()),
      this.#circuit,
      this.#error,
    );
    if (this.#isRecorded) this.#drawPlots(WHOLE_RECORDING);
    else this.#draw();
  }

  /** @param {ServiceLine} service */
  update({ state, instances, states, queued, completed, failed, concurrency, lastError, retryAt, fired }) {
    setAll(this.element, { 'data-state': state });
    setAll(this.#state, { 'data-state': state });
    setText(this.#state, state);
    this.#chart.light(instances);
    this.#chart.flash(fired);
    this.#figure('running', `${instances.busy} / ${concurrency ?? (this.#isRecorded ? '–' : '∞')}`);
    this.#figure('queued', formatCount(queued));
    this.#figure('completed', formatCount(completed));
    this.#figure('failed', formatCount(failed));
    this.#drawInstances(states, instances);
    const isOpen = state === 'failed';
    this.#circuit.hidden = !isOpen;
    setText(this.#retry, this.#isRecorded ? 'The circuit is open.' : probeText(retryAt));
    this.#error.hidden = lastError === null;
    setText(this.#error, lastError === null ? '' : `Last error: ${lastError}`);
  }

  /** @param {Sample} sample */
  sample(sample) {
    this.#history.push(sample);
    if (this.#history.length > 120) this.#history.shift();
    this.#draw();
  }

  /**
   * @param {number} column
   * @param {number} progress
   */
  mark(column, progress) {
    this.#drawFigures(this.#history[column]);
    for (const plot of Object.values(this.#plots)) plot.mark(progress);
  }

  #draw() {
    if (this.#history.length === 0) return;
    this.#drawFigures(this.#history.at(-1));
    this.#drawPlots();
  }

  /** @param {Sample | undefined} sample */
  #drawFigures(sample) {
    if (sample === undefined) return;
    this.#figure('success', formatShare(sample.successRate));
    this.#figure('p50', formatMs(sample.p50Ms));
    this.#figure('p95', formatMs(sample.p95Ms));
  }

  /** @param {import('./plots.js').Period} [period] */
  #drawPlots(period) {
    const { queued, p50, p95, success } = this.#plots;
    queued.draw(
      this.#history.map((sample) => sample.queued),
      period,
    );
    p50.draw(
      this.#history.map(({ p50Ms }) => p50Ms),
      period,
    );
    p95.draw(
      this.#history.map(({ p95Ms }) => p95Ms),
      period,
    );
    success.draw(
      this.#history.map(({ successRate }) => successRate),
      period,
    );
  }

  /**
   * @param {string} key
   * @param {string} text
   */
  #figure(key, text) {
    const element = this.#figures[key];
    if (element) setText(element, text);
  }

  #figurePairs() {
    /** @type {[string, string, Plot | null][]} */
    const pairs = [
      ['running', 'Running', null],
      ['completed', 'Done', null],
      ['failed', 'Failed', null],
      ['queued', 'Waiting', this.#plots.queued],
      ['success', 'Success', this.#plots.success],
      ['p50', 'p50', this.#plots.p50],
      ['p95', 'p95', this.#plots.p95],
    ];
    return pairs.map(([key, label, plot]) =>
      h(
        'div',
        { class: plot === null ? 'figure' : 'figure plotted' },
        h('dt', {}, label),
        this.#figures[key] ?? null,
        plot === null ? null : h('dd', { class: 'plot-cell' }, plot.element),
      ),
    );
  }

  /**
   * @param {readonly string[]} states
   * @param {ServiceLine['instances']} counts
   */
  #drawInstances(states, counts) {
    while (this.#instances.childElementCount > states.length) this.#instances.lastElementChild?.remove();
    while (this.#instances.childElementCount < states.length) this.#instances.append(h('i'));
    for (const [index, state] of states.entries()) {
      const square = this.#instances.children[index];
      if (square) setAll(square, { 'data-state': state, title: `${this.#name}#${index}: ${state}` });
    }
    const said = INSTANCE_STATES.filter((state) => counts[state] > 0).map(
      (state) => `${counts[state]} ${state}`,
    );
    setAll(this.#instances, { 'aria-label': `Instances: ${said.join(', ') || 'none yet'}` });
  }

  async #resetCircuit() {
    try {
      await order('reset-circuit', { service: this.#name });
    } catch (cause) {
      setText(this.#retry, cause instanceof Error ? cause.message : String(cause));
    }
  }
}

/** @param {string | null} retryAt */
function probeText(retryAt) {
  if (retryAt === null) return 'The circuit is probed.';
  return `The circuit is open; a probe goes out at ${new Date(retryAt).toLocaleTimeString()}.`;
}

/** @param {Hello['charts']['serviceLabelled']} chart */
function termsOf({ terms }) {
  return h(
    'dl',
    { class: 'states' },
    ...terms.flatMap(({ kind, name, text }) => [
      h('dt', {}, h('code', {}, name), ` ${kind}`),
      h('dd', {}, text),
    ]),
  );
}
