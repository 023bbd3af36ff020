import type { Terminal } from '../../src/cli/terminal.js';

/** A terminal that remembers what it was told. */
export interface FakeTerminal extends Terminal {
  readonly printed: string[];
  readonly told: string[];
  readonly lines: string[];
}

export function fakeTerminal(over: Partial<Pick<Terminal, 'isLive' | 'columns' | 'ask'>> = {}): FakeTerminal {
  const printed: string[] = [];
  const told: string[] = [];
  const lines: string[] = [];
  return {
    printed,
    told,
    lines,
    isLive: false,
    columns: 120,
    print: async (text) => void printed.push(text),
    tell: (text) => void told.push(text),
    live: (text) => void lines.push(text),
    bold: (text) => text,
    ask: async () => null,
    ...over,
  };
}
