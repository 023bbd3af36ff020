import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ChildServer } from '../support/child-server.js';

const MAIN = 'dist/cli/main.js';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function gaffr(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { timeout: 60_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err });
    });
  });
}

describe('gaffr, the built command', () => {
  it('begins with the line that makes it a command', () => {
    expect(existsSync(MAIN)).toBe(true);
    expect(readFileSync(MAIN, 'utf8').split('\n')[0]).toBe('#!/usr/bin/env node');
    expect(statSync(MAIN).isFile()).toBe(true);
  });

  it('says which Node it needs before it loads what an older one cannot', async () => {
    const older =
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } });";
    const flags = ['--import', `data:text/javascript,${encodeURIComponent(older)}`];
    const ended = await new Promise((resolve) =>
      execFile(process.execPath, [...flags, MAIN, '--version'], (error, out, err) =>
        resolve({ code: error?.code, out, err }),
      ),
    );
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
    const least = engines.node.replace('>=', '');
    expect(ended).toEqual({
      code: 3,
      out: '',
      err: `gaffr needs Node ${least} or newer; this is 18.20.4.\n`,
    });
  });

  it('run --json prints one TaskResult for one task', async () => {
    const { code, out, err } = await gaffr('run', 'What is 12% of 80?', '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject({
      status: 'completed',
      success: true,
      serviceName: 'reasoning',
      result: { result: 9.6 },
      error: null,
      attempts: 1,
      route: { service: 'reasoning' },
    });
  });

  it('run prints the result on stdout and how it came about on stderr', async () => {
    const { code, out, err } = await gaffr('run', 'What is 12% of 80?');
    expect(code).toBe(0);
    expect(out).toContain('9.6');
    expect(out.trim().split('\n')).toHaveLength(1);
    expect(err).toContain('reasoning');
  });

  it('run reads a file', async () => {
    const { code, out } = await gaffr('run', 'Extract text from examples/invoice.pdf', '--json');
    expect(code).toBe(0);
    expect(out).toContain('1,284.50');
  });

  it('run --json prints an array for several tasks, in the order given', async () => {
    const { code, out } = await gaffr(
      'run',
      'What is 12% of 80?',
      'Logic: If p then q. p. Therefore q',
      '--json',
      '--max-parallel',
      '1',
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject([{ result: { result: 9.6 } }, { result: { status: 'follows' } }]);
  });

  it('run ends with 1 when a task failed, and still prints all', async () => {
    const { code, out } = await gaffr(
      'run',
      'What is 12% of 80?',
      'Extract text from ../../secret.txt',
      '--json',
    );
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject([{ success: true }, { success: false, errorCode: 'OUTSIDE_ROOT' }]);
  });

  it('run ends with 1 for an unknown service and names the known ones', async () => {
    const { code, out, err } = await gaffr('run', 'hello', '--service', 'nobody');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('UNKNOWN_SERVICE');
    expect(err).toContain('vision');
  });

  it('run hands kwargs over', async () => {
    const kwargs = JSON.stringify({ premises: ['if p then q', 'p'], conclusion: 'q' });
    const { code, out } = await gaffr(
      'run',
      'Is this valid?',
      '--service',
      'reasoning',
      '--kwargs',
      kwargs,
      '--json',
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ result: { status: 'follows' } });
  });

  it('route --json prints the Route with the words that matched', async () => {
    const { code, out, err } = await gaffr('route', 'Analyze this image', '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const route = JSON.parse(out);
    expect(route).toMatchObject({ service: 'vision', outcome: 'matched', usedFallback: false });
    expect(JSON.stringify(route.ranked[0].reasons)).toContain('image');
  });

  it('route prints a table with bars for people', async () => {
    const { code, out } = await gaffr('route', 'Analyze this image');
    expect(code).toBe(0);
    expect(out).toMatch(/^vision \(matched\)/);
    expect(out).toMatch(/^vision +█+│█*░* 0\.94 +⇐ analyze image@0$/m);
  });

  it('route obeys the threshold', async () => {
    const { out } = await gaffr('route', 'Analyze this image', '--threshold', '1', '--json');
    expect(JSON.parse(out)).toMatchObject({ service: 'chat', outcome: 'fallback', usedFallback: true });
  });

  it('services lists the four built-in services', async () => {
    const { code, out } = await gaffr('services', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out).map(({ name }: { name: string }) => name)).toEqual([
      'vision',
      'responses',
      'reasoning',
      'chat',
    ]);
    expect((await gaffr('services')).out).toMatch(/^service +state +what it does\nvision +idle +/);
  });

  it('ends with 2 for a usage error and 3 for a folder that is not there', async () => {
    expect(await gaffr('rnu', 'x')).toMatchObject({ code: 2, out: '' });
    expect(await gaffr('run', 'x', '--root', '/nowhere')).toMatchObject({ code: 3, out: '' });
  });

  it('serve answers MCP and exits 0 at the end of its input', async () => {
    const server = new ChildServer([MAIN, 'serve', '--root', 'examples']);
    await server.initialize();
    server.call(2, { task: 'What is 12% of 80?' });
    expect((await server.answer(2)).result).toMatchObject({ structuredContent: { result: { result: 9.6 } } });
    server.child.stdin.end();
    expect((await server.exited).code).toBe(0);
    expect(server.strayLines).toEqual([]);
  });

  it('is configured for clients by mcp.json, from a checkout', async () => {
    const { mcpServers } = JSON.parse(readFileSync('mcp.json', 'utf8'));
    expect(mcpServers.gaffr).toEqual({ command: 'node', args: [MAIN, 'serve'] });
  });
});

describe('gaffr demo', () => {
  it('answers every offline task over the real server', async () => {
    const { code, out } = await gaffr('demo', '--json');
    const report = JSON.parse(out);
    expect(report.results.filter(({ verdict }: { verdict: string }) => verdict === 'wrong')).toEqual([]);
    expect(code).toBe(0);
    expect(report).toMatchObject({ wrong: 0, refused: 1 });
    expect(report.total).toBe(report.answered + report.needProvider + report.refused);
    expect(report.tools).toHaveLength(7);
  }, 120_000);
});
