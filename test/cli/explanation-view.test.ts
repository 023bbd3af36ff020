import { describe, expect, it } from 'vitest';
import { bar, describeRoute } from '../../src/cli/routing/explanation-view.js';
import { decideRoute } from '../../src/core/decide-route.js';
import type { Route, RouteCandidate, RouteReason } from '../../src/core/route.js';

const VIEW = { columns: 80, confidenceThreshold: 0.5 };

function routeOf(ranked: readonly RouteCandidate[], fallbackService: string | null = 'chat'): Route {
  const registered = ['vision', 'responses', 'chat'];
  return decideRoute(ranked, {
    registered,
    fallbackService,
    confidenceThreshold: 0.5,
    isAvailable: () => true,
  });
}

const keyword = (text: string, at: number): RouteReason => ({ kind: 'keyword', keyword: text, at, score: 1 });

describe('describeRoute()', () => {
  it('shows the decision, and each candidate with a bar, the threshold and the words with their places', () => {
    const reasons = [keyword('extract', 0), keyword('pdf', 23)];
    const ranked = [
      { service: 'vision', confidence: 0.9375, strategy: 'keyword', reasons },
      { service: 'responses', confidence: 0.0333, strategy: 'capability' },
    ];
    expect(describeRoute(routeOf(ranked), VIEW).split('\n')).toEqual([
      'vision (matched): keywords extract, pdf',
      '',
      'service    confidence                  why',
      'vision     ██████████│████████░░ 0.94  ⇐ extract@0, pdf@23',
      'responses  ░░░░░░░░░░│░░░░░░░░░░ 0.03  ⇐ capability',
      '│ marks the threshold, 0.5',
    ]);
  });

  it('shows every kind of reason', () => {
    const reasons: RouteReason[] = [
      { kind: 'term', term: 'invoice', weight: 0.123 },
      { kind: 'example', text: 'Scan it', similarity: 0.5 },
      { kind: 'llm', note: 'asked a model' },
    ];
    const text = describeRoute(routeOf([{ service: 'vision', confidence: 0.7, reasons }]), VIEW);
    expect(text.replace(/\s+/g, ' ')).toContain('⇐ invoice +0.12, like "Scan it" 0.50, asked a model');
  });

  it('says why when nothing matches, with and without a fallback', () => {
    expect(describeRoute(routeOf([]), VIEW)).toBe('chat (fallback): no-match: no candidate');
    expect(describeRoute(routeOf([], null), VIEW)).toBe('no service (no-route): no-match: no candidate');
  });

  it.each([80, 60, 40])('fits %d columns: reasons are wrapped, names and long lines cut', (columns) => {
    const reasons = Array.from({ length: 32 }, (_, at) => keyword(`word${at}${'x'.repeat(at * 3)}`, at));
    const service = 'a service with a very long name indeed';
    const route = { ...routeOf([]), service, ranked: [{ service, confidence: 0.4, reasons }] };
    const lines = describeRoute(route, { ...VIEW, columns }).split('\n');
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
    expect(lines.length).toBeGreaterThan(10);
  });

  it('lists twenty of many candidates', () => {
    const ranked = Array.from({ length: 1000 }, (_, i) => ({ service: `s${i}`, confidence: 0.1 }));
    const lines = describeRoute(routeOf(ranked), VIEW).split('\n');
    expect(lines).toHaveLength(25);
    expect(lines).toContain('… and 980 more (--json shows all)');
  });

  it('lets nothing through that a terminal would obey', () => {
    const evil = '\u001b[2J\u009b31m\u202e\n\r\u0007bad';
    const reasons: RouteReason[] = [
      keyword(evil, 0),
      { kind: 'example', text: evil, similarity: 0.1 },
      { kind: 'custom', note: evil },
    ];
    const ranked = [{ service: evil, confidence: 0.9, strategy: evil, reasons }];
    const text = describeRoute({ ...routeOf(ranked), why: evil, service: evil }, VIEW);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });

  it('shows a confidence just below the threshold as below it', () => {
    const text = describeRoute(routeOf([{ service: 'vision', confidence: 0.4999 }]), VIEW);
    expect(text).toContain('█████████░│░░░░░░░░░░ 0.4999');
  });
});

describe('bar()', () => {
  it.each([
    [0.5, 0.5, '█████│░░░░░'],
    [0.49, 0.5, '████░│░░░░░'],
    [0.62, 0.64, '█████░│░░░░'],
    [1, 1, '██████████│'],
    [0, 0, '│░░░░░░░░░░'],
    [2, 0.5, '█████│█████'],
  ])('reaches the mark exactly when %d reaches %d', (share, mark, expected) => {
    expect(bar(share, mark, 10)).toBe(expected);
  });

  it('has no mark unless told', () => {
    expect(bar(0.25, undefined, 8)).toBe('██░░░░░░');
  });
});
