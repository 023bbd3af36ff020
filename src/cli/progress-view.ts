import { cutToWidth, onOneLine } from './table.js';
import type { Terminal } from './terminal.js';

/** Shows how far the work is, on stderr. */
export interface ProgressView {
  report(fraction: number, message: string | undefined): void;
  end(): void;
}

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const FRAME_MS = 100;

/**
 * On a terminal one line that turns and counts the seconds, elsewhere a plain line whenever the work is a tenth further
 * or says something else.
 */
export function createProgressView(terminal: Terminal, tasks: number): ProgressView {
  return terminal.isLive ? liveView(terminal, tasks) : plainView(terminal);
}

function liveView(terminal: Terminal, tasks: number): ProgressView {
  const startedAt = performance.now();
  let status = tasks === 1 ? 'working' : `${tasks} tasks`;
  let frame = 0;
  const draw = () => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    terminal.live(
      cutToWidth(`${FRAMES[frame++ % FRAMES.length]} ${status} ${seconds} s`, terminal.columns - 1),
    );
  };
  const timer = setInterval(draw, FRAME_MS);
  draw();
  return {
    report: (fraction, message) => {
      status = lineOf(fraction, message);
    },
    end: () => {
      clearInterval(timer);
      terminal.live('');
    },
  };
}

function plainView(terminal: Terminal): ProgressView {
  let lastTenth = -1;
  let lastMessage: string | undefined;
  return {
    report: (fraction, message) => {
      const tenth = Math.floor(fraction * 10);
      if (tenth === lastTenth && message === lastMessage) return;
      lastTenth = tenth;
      lastMessage = message;
      terminal.tell(lineOf(fraction, message));
    },
    end: () => {},
  };
}

function lineOf(fraction: number, message: string | undefined): string {
  return `${Math.round(fraction * 100)} % ${onOneLine(message ?? '')}`.trim();
}
