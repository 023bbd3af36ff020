import { describe, expect, it } from 'vitest';
import { describeReport } from '../../src/cli/commands/demo.js';
import type { DemoOutcome } from '../../src/cli/demo/demo.js';
import { demoTasks } from '../../src/cli/demo/demo-tasks.js';
import { judge } from '../../src/cli/demo/judge.js';
import { toWireResult } from '../../src/mcp/wire-result.js';
import { failedResult, taskResult } from '../support/fake-orchestrator.js';

/** Every task gets an answer that fits nothing but its service, and those that need a provider say so. */
function outcomes(): DemoOutcome[] {
  return demoTasks('http://127.0.0.1:1/page.html').map((task) => {
    const { expected, service: serviceName } = task;
    const result =
      expected.kind === 'needs'
        ? failedResult({
            serviceName,
            errorCode: expected.codes[0] ?? null,
            error: 'a long\nexplanation '.repeat(20),
          })
        : taskResult({ serviceName, result: { text: 'one\ntwo '.repeat(50) } });
    const wire = toWireResult(result);
    return { task, result: wire, verdict: judge(task, wire) };
  });
}

describe('describeReport()', () => {
  const report = {
    protocolVersion: '2025-11-25',
    tools: ['execute', 'runs'],
    outcomes: outcomes(),
    seconds: 4.25,
  };

  it('prints one aligned line for each task, cut to the width', () => {
    const [head = '', ...rows] = describeReport(report, 100).split('\n\n')[0]?.split('\n') ?? [];
    expect(head).toMatch(/^ +task +service +why +time +result$/);
    expect(rows).toHaveLength(report.outcomes.length);
    for (const row of rows) expect([...row].length).toBeLessThanOrEqual(100);
    const at = head.indexOf('service');
    for (const row of rows) expect(row.slice(at)).toMatch(/^(vision|responses|reasoning|chat) /);
  });

  it('counts what was answered, what needs a provider, and names what is wrong', () => {
    const summary = describeReport(report, 100).split('\n\n')[1];
    expect(summary).toContain('0 of 13 tasks answered, 3 said honestly that they need a model or a provider');
    expect(summary).toContain('4.3 s through MCP 2025-11-25 and 2 tools');
    expect(summary).toContain('Wrong: What is 12% of 80?');
  });
});
