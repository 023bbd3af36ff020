import { describe, expect, it } from 'vitest';
import { type DemoTask, demoTasks } from '../../src/cli/demo/demo-tasks.js';
import { judge } from '../../src/cli/demo/judge.js';
import { toWireResult } from '../../src/mcp/wire-result.js';
import { failedResult, taskResult } from '../support/fake-orchestrator.js';

const right = toWireResult(taskResult({ serviceName: 'reasoning', result: { result: 9.6 } }));
const failed = (errorCode: 'NO_MODEL' | 'OUTSIDE_ROOT' | 'MISSING_PACKAGE' | 'SERVICE_FAILED') =>
  toWireResult(failedResult({ serviceName: 'reasoning', errorCode }));

describe('judge()', () => {
  const answer: DemoTask = {
    task: '',
    service: 'reasoning',
    expected: { kind: 'answer', contains: ['9.6'] },
  };
  const needs: DemoTask = {
    task: '',
    service: 'reasoning',
    expected: { kind: 'needs', codes: ['NO_MODEL'] },
  };
  const refusal: DemoTask = {
    task: '',
    service: 'reasoning',
    expected: { kind: 'refusal', code: 'OUTSIDE_ROOT' },
  };

  it.each([
    ['a right answer', answer, right, 'answered'],
    ['a wrong answer', answer, { ...right, result: 9.5 }, 'wrong'],
    ['the right answer of another service', answer, { ...right, serviceName: 'chat' }, 'wrong'],
    ['a failure instead of an answer', answer, failed('SERVICE_FAILED'), 'wrong'],
    ['a package left out', answer, failed('MISSING_PACKAGE'), 'needs a provider'],
    ['no provider', needs, failed('NO_MODEL'), 'needs a provider'],
    ['a provider after all', needs, right, 'answered'],
    ['a failure that says nothing', needs, failed('SERVICE_FAILED'), 'wrong'],
    ['a refusal', refusal, failed('OUTSIDE_ROOT'), 'refused'],
    ['an answer that had to be refused', refusal, right, 'wrong'],
  ] as const)('sees %s', (_name, task, result, verdict) => {
    expect(judge(task, result)).toBe(verdict);
  });

  it('knows about a dozen tasks for all four services', () => {
    const tasks = demoTasks('http://127.0.0.1:1/page.html');
    expect(tasks.length).toBeGreaterThanOrEqual(12);
    expect(new Set(tasks.map(({ service }) => service))).toEqual(
      new Set(['vision', 'responses', 'reasoning', 'chat']),
    );
  });
});
