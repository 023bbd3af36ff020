import type { RuntimeEvent } from 'gaffr';

const WIDTH = 640;
const HEIGHT = 240;
const MARGIN = 40;

/**
 * Draws what the events of a run tell, over time: how many tasks are settled, and how many attempts run at that moment.
 *
 * @param events - In the order in which they came.
 * @returns An SVG picture.
 */
export function throughputChart(events: readonly RuntimeEvent[]): string {
  const startMs = events[0]?.atMs ?? 0;
  const spanMs = Math.max((events.at(-1)?.atMs ?? 0) - startMs, 1);
  const running = new Set<string>();
  let settled = 0;
  const moments = events.flatMap((event) => {
    if (event.type === 'started') running.add(event.taskId);
    else if (event.type === 'backoff') running.delete(event.taskId);
    else if (event.type === 'settled') {
      running.delete(event.taskId);
      settled += 1;
    } else return [];
    const x = MARGIN + ((event.atMs - startMs) / spanMs) * (WIDTH - 2 * MARGIN);
    return [{ x, running: running.size, settled }];
  });
  const most = Math.max(settled, 1);
  const mostRunning = Math.max(...moments.map((moment) => moment.running), 1);
  /** Each value holds until the next event, so that the line goes in steps. */
  const line = (amountOf: (moment: (typeof moments)[number]) => number, top: number): string =>
    moments.reduce(
      (path, moment) => {
        const y = HEIGHT - MARGIN - (amountOf(moment) / top) * (HEIGHT - 2 * MARGIN);
        return `${path} H ${moment.x.toFixed(1)} V ${y.toFixed(1)}`;
      },
      `M ${MARGIN} ${HEIGHT - MARGIN}`,
    );
  const perSecond = (settled / spanMs) * 1000;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
  <title>${settled} tasks in ${(spanMs / 1000).toFixed(2)} s, ${perSecond.toFixed(1)} per second</title>
  <rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>
  <path d="M ${MARGIN} ${MARGIN} V ${HEIGHT - MARGIN} H ${WIDTH - MARGIN}" fill="none" stroke="#888"/>
  <path class="running" d="${line((moment) => moment.running, mostRunning)}" fill="none" stroke="#c60" stroke-width="1"/>
  <path class="settled" d="${line((moment) => moment.settled, most)}" fill="none" stroke="#06c" stroke-width="2"/>
  <text x="${MARGIN}" y="${MARGIN - 16}" fill="#06c">settled, up to ${settled} (${perSecond.toFixed(1)} per second)</text>
  <text x="${WIDTH - MARGIN}" y="${MARGIN - 16}" text-anchor="end" fill="#c60">running, at most ${mostRunning}</text>
  <text x="${WIDTH - MARGIN}" y="${HEIGHT - MARGIN + 20}" text-anchor="end">${(spanMs / 1000).toFixed(2)} s</text>
</svg>
`;
}
