import type { Result } from './bench.js';
import type { Report } from './report.js';

/** One figure over the number of queued tasks. */
interface Panel {
  readonly title: string;
  readonly leftPx: number;
  readonly valueIn: (result: Result) => number;
}

interface Point {
  readonly queued: number;
  readonly value: number;
}

const WIDTH_PX = 960;
const HEIGHT_PX = 380;
const PLOT = { topPx: 64, widthPx: 360, heightPx: 210 };
const COLOURS = ['#2563eb', '#93b4f5', '#d97706', '#64748b', '#16a34a'];

const PANELS: readonly Panel[] = [
  { title: 'CPU µs per task', leftPx: 64, valueIn: ({ cpuMicrosPerTask }) => cpuMicrosPerTask },
  {
    title: 'bytes per queued task',
    leftPx: 544,
    valueIn: ({ figures }) => figures?.bytesPerQueuedTask ?? Number.NaN,
  },
];

/** Draws the report of the growth bench: cost and memory per task over the number of queued tasks, as SVG. */
export function growthChart({
  results,
  machine,
  runs,
}: Pick<Report, 'results' | 'machine' | 'runs'>): string {
  const labels = [...new Set(results.map(({ label }) => label))];
  const caption = `${machine.day}, Node ${machine.node}, medians of ${runs} runs; the axes begin at 0`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH_PX} ${HEIGHT_PX}" font-family="ui-sans-serif, system-ui, sans-serif" font-size="13" role="img" aria-labelledby="t d">
<title id="t">Cost and memory per task while the queue grows</title>
<desc id="d">${describe(results, labels)}</desc>
<rect width="${WIDTH_PX}" height="${HEIGHT_PX}" rx="14" fill="#ffffff"/>
${PANELS.map((panel) => drawPanel(panel, results, labels)).join('\n')}
${labels.map(drawLegend).join('\n')}
<text x="64" y="${HEIGHT_PX - 14}" fill="#64748b" font-size="12">${escaped(caption)}</text>
</svg>
`;
}

function drawPanel(panel: Panel, results: readonly Result[], labels: readonly string[]): string {
  const { title, leftPx, valueIn } = panel;
  const top = niceCeiling(Math.max(...results.map(valueIn)));
  const sizes = [...new Set(results.map(queuedOf))].sort((a, b) => a - b);
  const bottomPx = PLOT.topPx + PLOT.heightPx;
  const xOf = (queued: number): number =>
    leftPx + (sizes.indexOf(queued) / Math.max(1, sizes.length - 1)) * PLOT.widthPx;
  const yOf = (value: number): number => bottomPx - (value / top) * PLOT.heightPx;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = px(yOf(share * top));
    return `<path d="M${leftPx} ${y}H${leftPx + PLOT.widthPx}" stroke="#e2e8f0"/><text x="${leftPx - 8}" y="${y}" dy="4" text-anchor="end" fill="#64748b" font-size="12">${Number((share * top).toPrecision(3))}</text>`;
  });
  const ticks = sizes.map(
    (queued) =>
      `<text x="${px(xOf(queued))}" y="${bottomPx + 20}" text-anchor="middle" fill="#64748b" font-size="12">${queued.toLocaleString('en')}</text>`,
  );
  const lines = labels.map((label, index) => {
    const points = pointsOf(results, label, valueIn).map(
      ({ queued, value }) => `${px(xOf(queued))} ${px(yOf(value))}`,
    );
    const dots = points.map((point) => `M${point}h0`).join('');
    return `<path d="M${points.join('L')}" stroke="${colourOf(index)}" stroke-width="2" fill="none"/><path d="${dots}" stroke="${colourOf(index)}" stroke-width="7" stroke-linecap="round"/>`;
  });
  return [
    `<text x="${leftPx}" y="40" fill="#0f172a" font-size="15">${title}</text>`,
    ...grid,
    ...ticks,
    `<text x="${leftPx + PLOT.widthPx / 2}" y="${bottomPx + 40}" text-anchor="middle" fill="#64748b" font-size="12">tasks queued</text>`,
    ...lines,
  ].join('\n');
}

function drawLegend(label: string, index: number): string {
  const xPx = 64 + index * 170;
  const yPx = HEIGHT_PX - 44;
  return `<rect x="${xPx}" y="${yPx - 10}" width="12" height="12" rx="3" fill="${colourOf(index)}"/><text x="${xPx + 18}" y="${yPx}" fill="#0f172a">${escaped(label)}</text>`;
}

/** The chart in words, for those who cannot see it. */
function describe(results: readonly Result[], labels: readonly string[]): string {
  const sentences = labels.map((label) => {
    const figures = PANELS.map(({ title, valueIn }) => {
      const points = pointsOf(results, label, valueIn).map(({ queued, value }) => `${value} at ${queued}`);
      return `${title} ${points.join(', ')}`;
    });
    return `${label}: ${figures.join('; ')}.`;
  });
  return escaped(sentences.join(' '));
}

function pointsOf(results: readonly Result[], label: string, valueIn: Panel['valueIn']): Point[] {
  return results
    .filter((result) => result.label === label)
    .map((result) => ({ queued: queuedOf(result), value: valueIn(result) }))
    .sort((a, b) => a.queued - b.queued);
}

/** The group says it: "10,000 queued". */
function queuedOf({ group }: Result): number {
  return Number.parseInt(group.replaceAll(',', ''), 10);
}

/** The least number not below the value whose quarters are short. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].find((each) => each * power >= value) ?? 10;
  return step * power;
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] as string;
}

function px(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
