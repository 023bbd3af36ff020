/** Plays a recording: the slider, the buttons, the keys; and shows what the server says of each moment. */
import { byId, formatCount, formatMs, h, setAll, setText } from './dom.js';
import { askForMoment } from './feed.js';

/** @typedef {import('../replay/replay.js').RecordingHello} RecordingHello */
/** @typedef {import('../replay/replay.js').Moment} Moment */

/** The slider's own units; one of its steps is a thousandth of the recording. */
const UNITS = 10_000;
/** Time between two moments while it plays, at least, in milliseconds. */
const FRAME_MS = 90;
/** A page that was not drawn for longer goes on where it was. */
const LONGEST_FRAME_MS = 400;

/** The player of one recording. */
export class Player {
  #recording;
  #filter;
  #onMoment;
  #onProblem;
  #openTask;
  #atMs;
  #isPlaying = false;
  #lastDrawnMs = 0;
  /** The moment that is asked for next; what was wanted in between is passed over. */
  #wanted = /** @type {{ atMs: number, isSeek: boolean } | null} */ (null);
  /** Settles once what was wanted is shown. */
  #asking = /** @type {Promise<void> | null} */ (null);
  /** @type {Moment | null} */
  #moment = null;
  #slider = /** @type {HTMLInputElement} */ (byId('position'));
  #speed = /** @type {HTMLSelectElement} */ (byId('speed'));

  /**
   * @param {RecordingHello} recording
   * @param {{
   *   filter: () => string,
   *   onMoment: (moment: Moment, isSeek: boolean) => void,
   *   onProblem: (problem: string) => void,
   *   openTask: (id: string) => void,
   * }} listener
   */
  constructor(recording, { filter, onMoment, onProblem, openTask }) {
    this.#recording = recording;
    this.#filter = filter;
    this.#onMoment = onMoment;
    this.#onProblem = onProblem;
    this.#openTask = openTask;
    this.#atMs = recording.startMs;
    this.#show();
    this.#slider.addEventListener('input', () => {
      this.pause();
      const { startMs, endMs } = this.#recording;
      const units = Number(this.#slider.value);
      this.#seek(units >= UNITS ? endMs : startMs + ((endMs - startMs) * units) / UNITS);
    });
    byId('play').addEventListener('click', () => this.#toggle());
    byId('step-back').addEventListener('click', () => void this.#step('beforeMs'));
    byId('step-on').addEventListener('click', () => void this.#step('afterMs'));
    byId('player').addEventListener('keydown', (event) => this.#onKey(event));
    this.#seek(this.#atMs);
  }

  /** The moment that is shown. */
  get atMs() {
    return this.#atMs;
  }

  /** The same recording, after the connection came back. @param {RecordingHello} recording */
  resume(recording) {
    this.#recording = recording;
    this.#show();
    this.#seek(Math.min(Math.max(this.#atMs, recording.startMs), recording.endMs));
  }

  /** Asks for the same moment anew. */
  refresh() {
    this.#seek(this.#atMs);
  }

  pause() {
    this.#setPlaying(false);
  }

  /** Goes on by the time that has passed. @param {number} localMs */
  tick(localMs) {
    if (!this.#isPlaying) return;
    const passedMs = localMs - this.#lastDrawnMs;
    if (passedMs < FRAME_MS || this.#asking !== null) return;
    this.#lastDrawnMs = localMs;
    const { endMs } = this.#recording;
    const atMs = this.#atMs + Math.min(passedMs, LONGEST_FRAME_MS) * Number(this.#speed.value);
    this.#want(Math.min(atMs, endMs), false);
    if (atMs < endMs) return;
    this.pause();
    setText(byId('news'), 'The recording has ended.');
  }

  #toggle() {
    if (!this.#isPlaying && this.#atMs >= this.#recording.endMs) this.#seek(this.#recording.startMs);
    this.#setPlaying(!this.#isPlaying);
  }

  /** @param {boolean} isPlaying */
  #setPlaying(isPlaying) {
    this.#isPlaying = isPlaying;
    this.#lastDrawnMs = performance.now();
    setText(byId('play'), isPlaying ? 'Pause' : 'Play');
    // The value would be read aloud ten times a second while it plays.
    if (!isPlaying) this.#sayPosition();
  }

  /** To the fact next to the moment that is shown. @param {'beforeMs' | 'afterMs'} side */
  async #step(side) {
    this.pause();
    await this.#asking;
    const atMs = this.#moment?.[side];
    if (atMs != null) this.#seek(atMs);
  }

  /** Only within the player, so that no key does anything for those who write elsewhere. @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === ',') void this.#step('beforeMs');
    else if (event.key === '.') void this.#step('afterMs');
    else if (event.key === ' ' && event.target === this.#slider) this.#toggle();
    else return;
    event.preventDefault();
  }

  /** @param {number} atMs */
  #seek(atMs) {
    this.#want(atMs, true);
  }

  /**
   * @param {number} atMs
   * @param {boolean} isSeek
   */
  #want(atMs, isSeek) {
    this.#atMs = atMs;
    this.#wanted = { atMs, isSeek };
    this.#drawPosition();
    if (isSeek && !this.#isPlaying) this.#sayPosition();
    this.#asking ??= this.#ask();
  }

  async #ask() {
    while (this.#wanted !== null) {
      const { atMs, isSeek } = this.#wanted;
      this.#wanted = null;
      try {
        const sinceMs = this.#moment?.atMs;
        this.#moment = await askForMoment({
          atMs,
          filter: this.#filter(),
          ...(sinceMs !== undefined && { sinceMs }),
        });
        this.#onMoment(this.#moment, isSeek);
        this.#drawFacts(this.#moment);
      } catch (cause) {
        this.pause();
        this.#onProblem(cause instanceof Error ? cause.message : String(cause));
      }
    }
    this.#asking = null;
  }

  #show() {
    const { name, facts, notices } = this.#recording;
    setText(byId('recording-name'), name);
    setText(byId('recording-facts'), `${formatCount(facts)} ${facts === 1 ? 'fact' : 'facts'}`);
    byId('notices').replaceChildren(...notices.map((notice) => h('li', {}, notice)));
    setAll(this.#slider, { max: UNITS });
    byId('player').hidden = false;
    byId('facts-card').hidden = false;
  }

  #drawPosition() {
    const { startMs, endMs } = this.#recording;
    const lengthMs = endMs - startMs;
    this.#slider.value = String(
      lengthMs > 0 ? Math.round(((this.#atMs - startMs) / lengthMs) * UNITS) : UNITS,
    );
    setText(byId('moment'), this.#positionText());
  }

  #sayPosition() {
    setAll(this.#slider, { 'aria-valuetext': this.#positionText() });
  }

  #positionText() {
    const { startMs, endMs, epochOffsetMs } = this.#recording;
    const position = `${formatMs(this.#atMs - startMs)} of ${formatMs(endMs - startMs)}`;
    const time = epochOffsetMs === null ? null : new Date(this.#atMs + epochOffsetMs);
    return time === null || Number.isNaN(time.getTime())
      ? position
      : `${position} · ${time.toLocaleTimeString()}`;
  }

  /** @param {Moment} moment */
  #drawFacts({ latest, facts, beforeMs, afterMs, stats }) {
    const { startMs } = this.#recording;
    /** @type {HTMLButtonElement} */ (byId('step-back')).ariaDisabled = String(beforeMs === null);
    /** @type {HTMLButtonElement} */ (byId('step-on')).ariaDisabled = String(afterMs === null);
    const limited = stats.isRateLimited ? ' · tasks wait for a rate window' : '';
    setText(byId('facts-about'), `${formatCount(facts)} up to this moment${limited}`);
    byId('facts-list').replaceChildren(
      ...latest.map(({ atMs, type, taskId, about, tone }) => {
        const task = h('button', { type: 'button', class: 'small quiet' }, taskId ?? '');
        task.addEventListener('click', () => this.#openTask(taskId ?? ''));
        return h(
          'li',
          {},
          h('span', { class: 'when' }, formatMs(atMs - startMs)),
          h('span', { class: 'pill', 'data-tone': tone }, type.replace('_', ' ')),
          h('span', { class: 'what' }, about),
          taskId === null ? null : task,
        );
      }),
    );
  }
}
