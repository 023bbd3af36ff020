import { expect, it } from 'vitest';
import { agentFailure } from '../../src/adapters/agent-failure.js';
import { OrchestratorError } from '../../src/index.js';

const wrapped = (inner: unknown): Error => Object.assign(new Error('retries used up'), { lastError: inner });

class MaxTurnsError extends Error {}

it.each([
  ['a refused key', { statusCode: 401, message: 'no' }, 'SERVICE_AUTH_REQUIRED', false, { status: 401 }],
  ['an overload', wrapped({ statusCode: 503, message: 'no' }), 'SERVICE_FAILED', true, { status: 503 }],
  [
    'a limit of rate',
    { status: 429, headers: new Headers({ 'retry-after': '7' }), message: 'no' },
    'SERVICE_FAILED',
    false,
    { status: 429, retryAfterSeconds: 7 },
  ],
  [
    'a limit of rate, told in a record',
    { statusCode: 429, responseHeaders: { 'retry-after': '7', odd: undefined }, message: 'no' },
    'SERVICE_FAILED',
    false,
    { status: 429, retryAfterSeconds: 7 },
  ],
  ['a bad request', { status: 400, message: 'no' }, 'SERVICE_FAILED', false, { status: 400 }],
  [
    'no network',
    new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } }),
    'SERVICE_FAILED',
    true,
    {},
  ],
  ['a fault of the agent', new MaxTurnsError('no'), 'SERVICE_FAILED', false, {}],
  ['anything at all', 'no', 'SERVICE_FAILED', false, {}],
])('agentFailure() understands %s', (_case, cause, code, isTransportFault, facts) => {
  const error = agentFailure('Agent "research"', cause, true);
  expect(error).toMatchObject({ code, isTransportFault, facts });
  expect(error.message).toMatch(/^Agent "research" .*(no|fetch failed|used up)/);
  if (code === 'SERVICE_FAILED') {
    expect(error.retryable).toBe(true);
    expect(agentFailure('Agent "research"', cause, false).retryable).toBe(false);
  }
});

it('agentFailure() names the kind of an error, keeps our own, and is total', () => {
  expect(agentFailure('a', new MaxTurnsError('10 turns'), false).message).toContain(
    'MaxTurnsError: 10 turns',
  );
  const own = new OrchestratorError('NO_MODEL', 'none');
  expect(agentFailure('a', new Error('outer', { cause: own }), false)).toBe(own);
  const hostile = new Proxy(new Error('x'), {
    get: () => {
      throw new Error('no');
    },
  });
  expect(agentFailure('a', hostile, true).code).toBe('SERVICE_FAILED');
  const circle: { cause?: unknown; message: string } = { message: 'round' };
  circle.cause = circle;
  expect(agentFailure('a', circle, false).message).toContain('round');
});
