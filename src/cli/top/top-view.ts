import type { Frame, Hello } from '../../inspect/dashboard/overview.js';
import type { Sample } from '../../inspect/dashboard/throughput.js';
import { cutToWidth, onOneLine, table } from '../table.js';

/** Services that are shown; a terminal has so many lines. */
const MOST_SERVICES = 18;
const HEAD = [
  'SERVICE',
  'STATE',
  'BUSY',
  'IDLE',
  'RETRYING',
  'FAILED',
  'WAITING',
  'DONE',
  'ERRORS',
  'PER S',
  'P50',
  'P95',
];
const WIDEST = [28];

/** Owns: what a dashboard said last. */
export class TopView {
  #message: Hello | Frame | null = null;
  #samples: Readonly<Record<string, Sample>> = {};

  take(message: Hello | Frame): void {
    this.#message = message;
    if (message.type === 'hello') {
      const latest = Object.entries(message.history).map(([name, samples]) => [name, samples.at(-1)]);
      this.#samples = Object.fromEntries(latest.filter(([, sample]) => sample !== undefined));
    } else {
      this.#samples = message.samples ?? this.#samples;
    }
  }

  /** The figures of all services in one line. */
  get summary(): string {
    if (this.#message === null) return 'waiting for the dashboard';
    const { stats, supervisor } = this.#message;
    const { ended = 0, p50Ms = null, p95Ms = null, successRate = null } = this.#samples[''] ?? {};
    return [
      supervisor.state.split('.').at(-1),
      `running ${stats.running}/${stats.maxParallel ?? '∞'}`,
      `waiting ${stats.queued}`,
      `retrying ${stats.retrying}`,
      `${ended} tasks/s`,
      `success ${successRate === null ? '–' : `${(successRate * 100).toFixed(1)} %`}`,
      `p50 ${msText(p50Ms)}`,
      `p95 ${msText(p95Ms)}`,
    ].join(' · ');
  }

  /** The summary and a line for each service, cut to the width. */
  lines(columns: number): string[] {
    const services = this.#message?.services ?? [];
    const rows = services
      .slice(0, MOST_SERVICES)
      .map(({ name, state, instances, queued, completed, failed }) => {
        const { ended = 0, p50Ms = null, p95Ms = null } = this.#samples[name] ?? {};
        const { busy, idle, retrying, failed: down } = instances;
        const counts = [busy, idle, retrying, down, queued, completed, failed, ended].map(String);
        return [name, state, ...counts, msText(p50Ms), msText(p95Ms)];
      });
    const hidden = services.length - rows.length;
    const problems = services.flatMap(({ name, state, lastError }) =>
      state === 'failed'
        ? cutToWidth(onOneLine(`${name}: ${lastError ?? 'its circuit is open'}`), columns)
        : [],
    );
    return [
      cutToWidth(this.summary, columns),
      ...table(HEAD, rows, columns, WIDEST).split('\n'),
      ...(hidden > 0 ? [`and ${hidden} more services`] : []),
      ...problems.slice(0, 4),
    ];
  }
}

/** One line for a log. */
export function summaryLine(view: TopView): string {
  return view.summary;
}

function msText(ms: number | null): string {
  if (ms === null) return '–';
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
