/** One line of figures, read. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Figures, read. */
export interface ParsedMetrics {
  readonly samples: readonly ParsedSample[];
  /** By metric. */
  readonly types: ReadonlyMap<string, string>;
  /** The value of one sample; undefined when there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (\\S+)$`);

/**
 * Reads the text format of Prometheus (0.0.4) as strictly as its server does, and a little more: every line is as the format
 * says, samples follow the TYPE of their metric in one block, no series comes twice, buckets grow and end in +Inf.
 *
 * @throws Error naming the line.
 */
export function parseMetrics(text: string): ParsedMetrics {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const types = new Map<string, string>();
  const samples: ParsedSample[] = [];
  const series = new Set<string>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const help = new RegExp(`^# HELP (${NAME}) ([^\\\\]|\\\\[\\\\n])*$`).exec(line);
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`).exec(line);
    if (help) {
      current = help[1] as string;
      if (types.has(current)) fail('a second block of one metric');
      continue;
    }
    if (type) {
      if (type[1] !== current) fail('a type without its help');
      types.set(current, type[2] as string);
      continue;
    }
    const [, name = fail('no line of the format'), labelText = '', valueText = ''] = SAMPLE.exec(line) ?? [];
    const base = types.get(current) === 'histogram' ? name.replace(/_(bucket|sum|count)$/, '') : name;
    if (base !== current) fail(`a sample outside the block of its metric ${current}`);
    const labels = labelsOf(labelText);
    const value = valueText === '+Inf' ? Number.POSITIVE_INFINITY : Number(valueText);
    if (Number.isNaN(value)) fail('no number');
    const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
    if (series.has(key)) fail('a series that comes twice');
    series.add(key);
    samples.push({ name, labels, value });
  }
  checkHistograms(samples, types);
  const value: ParsedMetrics['value'] = (name, labels = {}) =>
    samples.find((sample) => sample.name === name && same(sample.labels, labels))?.value;
  return { samples, types, value };
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    if (name in labels) throw new Error(`a label that comes twice: ${text}`);
    labels[name] = value.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
  }
  return labels;
}

function checkHistograms(samples: readonly ParsedSample[], types: ReadonlyMap<string, string>): void {
  for (const [metric, type] of types) {
    if (type !== 'histogram') continue;
    const counts = samples.filter(({ name }) => name === `${metric}_count`);
    for (const { labels, value } of counts) {
      const buckets = samples.filter(({ name, labels: own }) => {
        const { le: _, ...rest } = own;
        return name === `${metric}_bucket` && same(rest, labels);
      });
      const bounds = buckets.map(({ labels: { le } }) =>
        le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le),
      );
      const isGrowing = (list: readonly number[]): boolean =>
        list.every((each, index) => index === 0 || each >= (list[index - 1] as number));
      if (!isGrowing(bounds) || !isGrowing(buckets.map((bucket) => bucket.value)))
        throw new Error(`${metric}: buckets shrink`);
      if (bounds.at(-1) !== Number.POSITIVE_INFINITY || buckets.at(-1)?.value !== value) {
        throw new Error(`${metric}: the last bucket does not hold all`);
      }
    }
  }
}

function same(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}
