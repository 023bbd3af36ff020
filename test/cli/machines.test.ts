import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { runProgram } from '../../src/cli/program.js';
import { silentLog } from '../../src/core/environment.js';
import { fakeTerminal } from '../support/fake-terminal.js';

async function run(...argv: string[]) {
  const terminal = fakeTerminal();
  const code = await runProgram(['machines', ...argv], { terminal, log: silentLog, version: '1.2.3' });
  return { code, out: terminal.printed.join('\n'), err: terminal.told.join('\n') };
}

describe('gaffr machines', () => {
  it('prints a configuration that XState takes', async () => {
    const { code, out } = await run('service', '--json');
    expect(code).toBe(0);
    expect(Object.keys(createMachine(JSON.parse(out)).states)).toEqual([
      'idle',
      'busy',
      'retrying',
      'failed',
    ]);
  });

  it('prints the configurations of all machines by name', async () => {
    const machines = JSON.parse((await run('--json')).out);
    expect(Object.keys(machines)).toEqual(['service', 'supervisor']);
    expect(createMachine(machines.supervisor).id).toBe('supervisor');
  });

  it('prints one diagram, or all of them as a page', async () => {
    expect((await run('--mermaid', 'supervisor')).out).toMatch(/^stateDiagram-v2\n/);
    const { out } = await run('--mermaid');
    expect(out.match(/```mermaid\nstateDiagram-v2/g)).toHaveLength(2);
  });

  it('lists them for people', async () => {
    expect((await run()).out).toContain('idle, busy, retrying, failed');
    expect((await run('service')).out).not.toContain('supervisor');
  });

  it.each([
    [['servce'], 'There is no machine "servce"; did you mean "service"?'],
    [['x'], 'known: service, supervisor'],
    [['service', 'supervisor'], 'at most one name'],
    [['--json', '--mermaid'], 'takes --json or --mermaid, not both'],
  ])('answers %j with 2', async (argv, message) => {
    const { code, out, err } = await run(...argv);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });
});
