/**
 * The text format of Prometheus, version 0.0.4. Written here because it is small, and because the counters behind it are
 * plain numbers: a library's counters look their labels up at every step, which costs more than the task it counts.
 */

/** A point of a metric: its labels, and its value. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a scraper is told the text is. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** One counter or gauge with its samples; nothing when there are none. */
export function metricText(
  name: string,
  {
    type,
    help,
    samples,
  }: { readonly type: 'counter' | 'gauge'; readonly help: string; readonly samples: readonly Sample[] },
): string {
  if (samples.length === 0) return '';
  return head(name, type, help) + samples.map(({ labels, value }) => line(name, labels, value)).join('');
}

/** Counts how long things take, in the buckets of {@link BOUNDS_SECONDS}. */
export class Histogram {
  readonly #counts = new Array<number>(BOUNDS_SECONDS.length + 1).fill(0);
  #sum = 0;

  /** @param seconds - 0 or more; what is no number is left out. */
  observe(seconds: number): void {
    if (!(seconds >= 0 && seconds < Number.POSITIVE_INFINITY)) return;
    let bucket = 0;
    while (bucket < BOUNDS_SECONDS.length && seconds > (BOUNDS_SECONDS[bucket] as number)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += seconds;
  }

  /** Its lines, without the head. */
  lines(name: string, labels: Readonly<Record<string, string>>): string {
    let count = 0;
    const buckets = this.#counts.map((each, index) => {
      count += each;
      const le = format(BOUNDS_SECONDS[index] ?? Number.POSITIVE_INFINITY);
      return line(`${name}_bucket`, { ...labels, le }, count);
    });
    return `${buckets.join('')}${line(`${name}_sum`, labels, this.#sum)}${line(`${name}_count`, labels, count)}`;
  }
}

/** Histograms of one metric, by their labels; nothing when there are none. */
export function histogramText(
  name: string,
  help: string,
  histograms: readonly { readonly labels: Readonly<Record<string, string>>; readonly histogram: Histogram }[],
): string {
  if (histograms.length === 0) return '';
  const lines = histograms.map(({ labels, histogram }) => histogram.lines(name, labels));
  return head(name, 'histogram', help) + lines.join('');
}

/** From a lookup in memory to a long talk with a model. */
export const BOUNDS_SECONDS: readonly number[] = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
}

function line(name: string, labels: Readonly<Record<string, string>> | undefined, value: number): string {
  const pairs = Object.entries(labels ?? {}).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${format(value)}\n`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function format(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
