import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  machineUri,
  parseResourceUri,
  runUri,
  SERVICES_URI,
  STATS_URI,
  serviceUri,
} from '../../src/mcp/resources/resource-uri.js';

describe('parseResourceUri()', () => {
  it.each([
    [SERVICES_URI, { kind: 'services' }],
    [STATS_URI, { kind: 'stats' }],
    ['gaffr://services/a%20b', { kind: 'service', name: 'a b' }],
    ['gaffr://services/__proto__', { kind: 'service', name: '__proto__' }],
    ['gaffr://machines/service', { kind: 'machine', name: 'service', form: 'all' }],
    ['gaffr://machines/service/mermaid', { kind: 'machine', name: 'service', form: 'mermaid' }],
    ['gaffr://runs/1-2', { kind: 'run', id: '1-2' }],
  ])('reads %s', (uri, target) => {
    expect(parseResourceUri(uri)).toEqual(target);
  });

  it.each([
    '',
    'gaffr://',
    'gaffr://nothing',
    'gaffr://services/',
    'gaffr://services/a/b',
    'gaffr://services/a/mermaid',
    'gaffr://services/a?b',
    'gaffr://services/%',
    'gaffr://services/%ff',
    'gaffr://stats/a',
    'gaffr://machines',
    'gaffr://runs',
    'GAFFR://services',
    ' gaffr://services',
    'gaffr://services\n',
    'file:///etc/passwd',
    `gaffr://services/${'a'.repeat(3000)}`,
  ])('knows nothing of %j', (uri) => {
    expect(parseResourceUri(uri)).toBeUndefined();
  });

  it('reads what was written, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 50, unit: 'grapheme' }), (name) => {
        expect(parseResourceUri(serviceUri(name))).toEqual({ kind: 'service', name });
        expect(parseResourceUri(machineUri(name, 'mermaid'))).toMatchObject({ name, form: 'mermaid' });
        expect(parseResourceUri(runUri(name))).toEqual({ kind: 'run', id: name });
      }),
    );
  });

  it('writes an address for half a character too', () => {
    expect(serviceUri('a\ud800')).toBe('gaffr://services/a%EF%BF%BD');
  });

  it('fault C10 answers a hostile address in no time', () => {
    const startedMs = performance.now();
    for (const uri of [
      `gaffr://services/${'%'.repeat(1e6)}`,
      '/'.repeat(1e6),
      `gaffr://${'services/'.repeat(1e5)}`,
    ])
      expect(parseResourceUri(uri)).toBeUndefined();
    expect(performance.now() - startedMs).toBeLessThan(50);
  });
});
