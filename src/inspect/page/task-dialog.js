/** Everything about one task: text, route with all candidates, attempts, errors, the beginning of the result. */
import { byId, formatMs, h } from './dom.js';
import { askForTask, order } from './feed.js';

/**
 * What the server tells of a task.
 *
 * @typedef {{
 *   id: string, text: string | null, isRecorded?: boolean, namedService: string | null, service: string | null, state: string, priority: number,
 *   acceptedMs: number, acceptedEpochMs: number | null,
 *   spans: { kind: string, service: string | null, instance: string | null, attempt: number | null, startMs: number, endMs: number | null, outcome: string | null, errorCode: string | null }[],
 *   droppedSpans: number,
 *   route: { service: string | null, confidence: number, outcome: string, why: string, candidates: { service: string, confidence: number, strategy: string | null, isRankOnly: boolean, reasons: string[] }[] } | null,
 *   routeProblem: string | null, isForecast: boolean,
 *   end: { atMs: number, error: string | null, errorCode: string | null, attempts: number, queueTime: number, executionTime: number, preview: string | null } | null,
 * }} TaskDetail
 */

const REFRESH_MS = 1000;

/** The dialog of a task. An open task is asked for again each second while nothing in the dialog has the focus but its frame. */
export class TaskDialog {
  #dialog = /** @type {HTMLDialogElement} */ (byId('task-dialog'));
  /** @type {string | null} */
  #id = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #cancel = h('button', { type: 'button', class: 'danger live' }, 'Cancel the task');
  #body = h('div');
  #title = h('h2', { id: 'task-title' });
  #note = h('p', { class: 'answer', role: 'status' });
  #moment;

  /** @param {() => number | null} moment - The moment of a recording that is shown; null when there is none. */
  constructor(moment) {
    this.#moment = moment;
    const close = h('button', { type: 'button' }, 'Close');
    close.addEventListener('click', () => this.#dialog.close());
    this.#cancel.addEventListener('click', () => this.#cancelTask());
    this.#dialog.addEventListener('close', () => {
      clearTimeout(this.#timer);
      this.#id = null;
    });
    this.#dialog.append(h('header', {}, this.#title, this.#cancel, close), this.#note, this.#body);
  }

  /** @param {string} id */
  open(id) {
    this.#id = id;
    this.#note.textContent = '';
    this.#body.replaceChildren();
    this.#title.textContent = 'Task';
    if (!this.#dialog.open) this.#dialog.showModal();
    void this.#refresh(id);
  }

  /** @param {string} id */
  async #refresh(id) {
    /** @type {TaskDetail} */
    let task;
    try {
      task = await askForTask(id, this.#moment());
    } catch (cause) {
      this.#note.textContent = cause instanceof Error ? cause.message : String(cause);
      this.#cancel.hidden = true;
      return;
    }
    if (this.#id !== id) return;
    this.#cancel.hidden = task.end !== null;
    this.#title.textContent = `Task ${task.id}`;
    this.#body.replaceChildren(...partsOf(task));
    if (task.end === null) this.#timer = setTimeout(() => this.#refresh(id), REFRESH_MS);
  }

  async #cancelTask() {
    const id = this.#id;
    if (id === null) return;
    try {
      const { isCancelled } = await order('cancel', { taskId: id });
      this.#note.textContent = isCancelled ? 'Cancelled.' : 'It had ended already.';
    } catch (cause) {
      this.#note.textContent = cause instanceof Error ? cause.message : String(cause);
    }
    clearTimeout(this.#timer);
    void this.#refresh(id);
  }
}

/** @param {TaskDetail} task */
function partsOf(task) {
  const { text, state, service, priority, end } = task;
  const facts = h(
    'dl',
    { class: 'facts' },
    ...fact('State', h('span', { class: 'pill', 'data-state': state }, state.replace('_', ' '))),
    ...fact('Service', service ?? '–'),
    ...fact('Priority', String(priority)),
    ...(task.acceptedEpochMs === null ? [] : fact('Accepted', timeOf(task.acceptedEpochMs))),
    ...(end === null
      ? []
      : [
          ...fact('Waited', formatMs(end.queueTime * 1000)),
          ...fact('Worked', formatMs(end.executionTime * 1000)),
          ...fact('Attempts', String(end.attempts)),
        ]),
  );
  return [
    facts,
    text === null
      ? h('p', { class: 'about' }, 'A recording holds no texts of tasks, errors and results, and no routes.')
      : h('pre', { class: 'text', tabindex: 0, 'aria-label': 'Text of the task' }, text),
    ...(end?.error || end?.errorCode
      ? [
          h('h3', {}, 'Error'),
          h(
            'p',
            { class: 'error' },
            end.errorCode === null ? null : h('code', {}, end.errorCode),
            end.error === null ? null : ` ${end.error}`,
          ),
        ]
      : []),
    ...(task.isRecorded ? [] : routeSection(task)),
    h('h3', {}, 'What happened'),
    stepsTable(task),
    ...(end?.preview == null
      ? []
      : [
          h('h3', {}, 'Result'),
          h(
            'pre',
            { class: 'text', tabindex: 0, 'aria-label': 'Beginning of the result' },
            end.preview || '(empty)',
          ),
        ]),
  ];
}

/** @param {TaskDetail} task */
function routeSection({ isForecast, routeProblem, route, namedService }) {
  return [
    h('h3', {}, isForecast ? 'Route, as it would be decided now' : 'Route'),
    ...(routeProblem === null ? [] : [h('p', { class: 'error' }, routeProblem)]),
    ...routeParts(route, namedService),
  ];
}

/**
 * @param {TaskDetail['route']} route
 * @param {string | null} namedService
 */
function routeParts(route, namedService) {
  if (route === null)
    return [
      h(
        'p',
        { class: 'about' },
        namedService === null ? 'It was not routed.' : `The caller named ${namedService}.`,
      ),
    ];
  const why = h(
    'p',
    { class: 'why' },
    h('strong', {}, route.service ?? 'no service'),
    ` · ${route.outcome} · ${route.why}`,
  );
  if (route.candidates.length === 0) return [why];
  const rows = route.candidates.map(({ service, confidence, strategy, isRankOnly, reasons }) =>
    h(
      'tr',
      { class: service === route.service ? 'chosen' : null },
      h('th', { scope: 'row' }, service),
      h('td', { class: 'number' }, isRankOnly ? 'rank' : confidence.toFixed(2)),
      h('td', {}, meter(confidence)),
      h('td', {}, [strategy, ...reasons].filter(Boolean).join(' · ') || '–'),
    ),
  );
  return [
    why,
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...['Candidate', 'Confidence', '', 'Reasons'].map((name) =>
            h(name === '' ? 'td' : 'th', name === '' ? {} : { scope: 'col' }, name),
          ),
        ),
      ),
      h('tbody', {}, ...rows),
    ),
  ];
}

/** @param {number} confidence */
function meter(confidence) {
  const fill = h('i');
  fill.style.width = `${Math.round(confidence * 100)}%`;
  return h('span', { class: 'meter', 'aria-hidden': 'true' }, fill);
}

/** @param {TaskDetail} task */
function stepsTable({ spans, acceptedMs, droppedSpans, end }) {
  const rows = spans.map(({ kind, service, instance, attempt, startMs, endMs, outcome, errorCode }) =>
    h(
      'tr',
      {},
      h(
        'th',
        { scope: 'row' },
        kind === 'queued' ? 'waited' : kind === 'attempt' ? `attempt ${attempt}` : 'backoff',
      ),
      h('td', { class: 'number' }, `+${formatMs(startMs - acceptedMs)}`),
      h('td', { class: 'number' }, endMs === null ? 'goes on' : formatMs(endMs - startMs)),
      h('td', {}, instance ?? service ?? 'for its route'),
      h('td', {}, outcome ?? (end === null && endMs === null ? '…' : '')),
      h('td', {}, errorCode === null ? '' : h('code', { class: 'error' }, errorCode)),
    ),
  );
  if (droppedSpans > 0)
    rows.push(h('tr', {}, h('td', { colspan: 6 }, `${droppedSpans} more steps are not kept.`)));
  return h(
    'table',
    {},
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ...['Step', 'After', 'Took', 'Where', 'Outcome', 'Error'].map((name) =>
          h('th', { scope: 'col' }, name),
        ),
      ),
    ),
    h('tbody', {}, ...rows),
  );
}

/** @param {number} epochMs */
function timeOf(epochMs) {
  const date = new Date(epochMs);
  return Number.isNaN(date.getTime()) ? '–' : date.toLocaleTimeString();
}

/**
 * @param {string} name
 * @param {string | Node} value
 */
function fact(name, value) {
  return [h('div', {}, h('dt', {}, name), h('dd', {}, value))];
}
