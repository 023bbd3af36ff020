import { describe, expect, it } from 'vitest';
import { createProgressView } from '../../src/cli/progress-view.js';
import { fakeTerminal } from '../support/fake-terminal.js';

describe('createProgressView()', () => {
  it('tells plain lines when there is no terminal, one for each tenth or message', () => {
    const terminal = fakeTerminal();
    const view = createProgressView(terminal, 1);
    for (const fraction of [0.01, 0.02, 0.11, 0.5]) view.report(fraction, 'reading');
    view.report(0.5, 'writing');
    view.end();
    expect(terminal.told).toEqual(['1 % reading', '11 % reading', '50 % reading', '50 % writing']);
    expect(terminal.lines).toEqual([]);
  });

  it('draws one line over and over on a terminal, and clears it at the end', () => {
    const terminal = fakeTerminal({ isLive: true, columns: 40 });
    const view = createProgressView(terminal, 3);
    view.end();
    expect(terminal.lines[0]).toContain('3 tasks');
    expect(terminal.lines.at(-1)).toBe('');
    expect(terminal.told).toEqual([]);
  });
});
