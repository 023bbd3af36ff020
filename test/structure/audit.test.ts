import { expect, it } from 'vitest';
import { verdictOf } from '../../scripts/audit.mjs';

const vulnerabilities = {
  leak: {
    name: 'leak',
    severity: 'moderate',
    range: '<1.2.3',
    via: [{ title: 'Leaks files', url: 'https://example.org/1' }],
  },
  above: { name: 'above', severity: 'high', range: '*', via: ['leak'] },
};

it('verdictOf() names every package of the severity or worse', () => {
  const output = JSON.stringify({ vulnerabilities });

  expect(verdictOf(output, 'info')).toEqual({
    faults: ['leak <1.2.3 (moderate): Leaks files https://example.org/1', 'above * (high): by leak'],
  });
  expect(verdictOf(output, 'high')).toEqual({ faults: ['above * (high): by leak'] });
  expect(verdictOf('{"vulnerabilities":{}}', 'info')).toEqual({ faults: [] });
});

it.each([
  [
    'the registry refuses',
    '{"message":"405 Method Not Allowed","error":{"summary":""}}',
    '405 Method Not Allowed',
  ],
  ['there is no network', '{"error":{"code":"ENOTFOUND","summary":"no such host"}}', 'no such host'],
  ['there is no word of why', '{"error":{}}', 'npm audit gave no reason'],
  ['npm is not there', 'sh: npm: not found', 'npm audit printed no JSON: "sh: npm: not found"'],
])('verdictOf() gives no verdict when %s', (_case, output, unasked) => {
  expect(verdictOf(output, 'info')).toEqual({ unasked });
});
