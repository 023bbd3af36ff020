import { describe, expect, it } from 'vitest';
import { MAX_RESULT_BYTES, toWireResult, toWireResults } from '../../src/mcp/wire-result.js';
import { failedResult, matchedRoute, taskResult } from '../support/fake-orchestrator.js';

describe('toWireResult()', () => {
  it('leaves a plain result as it is', () => {
    expect(toWireResult(taskResult())).toEqual(taskResult());
    expect(toWireResult(failedResult())).toEqual(failedResult());
  });

  it('promise C16 turns a result that is no JSON into a failure that says why', () => {
    expect(toWireResult(taskResult({ result: { run: () => 1 } }))).toMatchObject({
      status: 'failed',
      success: false,
      result: null,
      errorCode: 'UNSERIALISABLE',
      error: expect.stringContaining('$.run is a function'),
    });
  });

  it('fault S6 turns a result above 1 MiB into a failure with a preview', () => {
    expect(toWireResult(taskResult({ result: 'x'.repeat(MAX_RESULT_BYTES) }))).toMatchObject({
      status: 'failed',
      success: false,
      result: null,
      errorCode: 'RESULT_TOO_LARGE',
      errorDetails: { preview: 'x'.repeat(1024), maxResultBytes: MAX_RESULT_BYTES },
    });
  });

  it('keeps the decision of a route that is too large', () => {
    const ranked = Array.from({ length: 1000 }, (_, index) => ({
      service: `service-${index}`,
      confidence: 0.5,
      reasons: [{ kind: 'custom' as const, note: 'x'.repeat(100) }],
    }));
    expect(toWireResult(taskResult({ route: matchedRoute({ ranked }) })).route).toMatchObject({
      service: 'echo',
      ranked: [],
    });
  });

  it('cuts an endless error text and drops details that are no JSON', () => {
    const wire = toWireResult(failedResult({ error: 'e'.repeat(100_000), errorDetails: { f: () => 1 } }));
    expect(wire.error).toHaveLength(4000);
    expect(wire.errorDetails).toBeNull();
  });
});

describe('toWireResults()', () => {
  it('fault S6 drops the largest results of a batch until the rest fits', () => {
    const sizes = [10, 600_000, 10, 500_000, 10];
    const wire = toWireResults(sizes.map((size) => taskResult({ result: 'x'.repeat(size) })));
    expect(wire.map(({ errorCode }) => errorCode)).toEqual([null, 'RESULT_TOO_LARGE', null, null, null]);
    expect(wire[1]?.errorDetails?.preview).toHaveLength(200);
  });

  it('drops routes and details when a thousand of them would break the connection', () => {
    const errorDetails = { text: 'x'.repeat(30_000) };
    const wire = toWireResults(Array.from({ length: 1000 }, () => failedResult({ errorDetails })));
    expect(JSON.stringify(wire).length).toBeLessThan(8 * 1024 * 1024);
    expect(wire[0]).toMatchObject({ errorCode: 'SERVICE_FAILED', errorDetails: null, route: null });
  });
});
