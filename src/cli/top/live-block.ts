import type { Terminal } from '../terminal.js';

/** Several lines on a terminal that are written over. */
export interface LiveBlock {
  /** Shows lines in place of the last ones. They must fit into the width. */
  draw(lines: readonly string[]): void;
}

/** Draws in place, by moving up and clearing what is below. */
export function liveBlock(terminal: Pick<Terminal, 'live'>): LiveBlock {
  let shown = 0;
  return {
    draw(lines) {
      const up = shown > 1 ? `\u001b[${shown - 1}A` : '';
      terminal.live(`${up}\r\u001b[J${lines.join('\n')}`);
      shown = lines.length;
    },
  };
}
