import { describe, expect, it } from 'vitest';
import { describeEvaluation } from '../../src/cli/routing/evaluation-view.js';
import type { RoutingEvaluation } from '../../src/strategies/evaluation.js';

const steps = Array.from({ length: 21 }, (_, step) => ({
  threshold: step / 20,
  coverage: 1 - step / 20,
  accuracy: step === 20 ? null : 0.75,
  right: 0.5,
  refused: null,
}));

const EVALUATION: RoutingEvaluation = {
  tasks: 10,
  accuracy: 0.7,
  confidenceThreshold: 0.55,
  fallbackService: 'chat',
  withService: { tasks: 10, right: 7, wrong: 1, refused: 2, first: 8, firstThree: 9 },
  outOfScope: { tasks: 0, refused: 0, routed: 0 },
  services: [
    { service: 'vision', tasks: 6, right: 6, matched: 7, precision: 6 / 7, recall: 1, examples: 9 },
    { service: 'chat', tasks: 4, right: 1, matched: 0, precision: null, recall: 0.25, examples: 3 },
  ],
  confusions: [
    { expected: 'chat', got: 'vision', tasks: 1, terms: ['photo', 'image'], sample: 'x' },
    { expected: null, got: 'vision', tasks: 1, terms: [], sample: 'x' },
    { expected: 'chat', got: null, tasks: 1, terms: [], sample: 'x' },
  ],
  thresholds: steps,
  bestThreshold: { threshold: 0.42, coverage: 1, accuracy: 1, right: 0.9, refused: 0.8 },
  unexplained: { tasks: 0, samples: [] },
  advice: [{ kind: 'confused', services: [], text: `Add ${'examples '.repeat(20)}` }],
};

describe('describeEvaluation()', () => {
  it('shows counts, a chart, services with the worst first, confusions and what to add', () => {
    const text = describeEvaluation(EVALUATION, 80);
    const lines = text.split('\n');
    expect(lines[0]).toBe('10 tasks, threshold 0.55, fallback chat');
    expect(lines).toContain('  tasks with a service   7 of 10  70.0 %  1 to another service, 2 refused');
    expect(lines).toContain('  out of scope, refused  0 of 0   -');
    expect(text).toMatch(/^0\.55 ← +█████████░{11} 45\.0 % +█{15}░{5} 75\.0 % +-$/m);
    expect(lines.filter((line) => /^\d\.\d\d .*[█░]/.test(line))).toHaveLength(12);
    expect(lines).toContain('best: 0.42 (right 90.0 %, refused 80.0 %)');
    expect(text).toMatch(/^service.*\nchat +4 +25\.0 % +0 +- +3\nvision +6 +100\.0 % +7 +85\.7 % +9$/m);
    expect(text).toMatch(/^chat +vision +1 +photo, image\n\(no service\) +vision +1\nchat +\(refused\) +1$/m);
    expect(text).toMatch(/What to add\n- Add examples/);
  });

  it.each([80, 60])('fits %d columns', (columns) => {
    for (const line of describeEvaluation(EVALUATION, columns).split('\n')) {
      expect([...line].length).toBeLessThanOrEqual(columns);
    }
  });

  it('lists twenty of many services and ten of many confusions', () => {
    const services = Array.from({ length: 1000 }, (_, i) => ({
      service: `s${i}`,
      tasks: 1,
      right: 0,
      matched: 0,
      precision: null,
      recall: i / 1000,
      examples: 0,
    }));
    const confusions = Array.from({ length: 30 }, () => EVALUATION.confusions[0] as never);
    const text = describeEvaluation({ ...EVALUATION, services, confusions }, 80);
    expect(text).toContain('… and 980 more (--json shows all)');
    expect(text).toContain('… and 20 more pairs (--json shows all)');
  });

  it('lets nothing through that a terminal would obey', () => {
    const evil = '\u001b[2J\u009b\u202e\u0007';
    const text = describeEvaluation(
      {
        ...EVALUATION,
        fallbackService: evil,
        services: [{ ...(EVALUATION.services[0] as never as object), service: evil } as never],
        confusions: [{ expected: evil, got: evil, tasks: 1, terms: [evil], sample: evil }],
        advice: [{ kind: 'confused', services: [], text: evil }],
      },
      80,
    );
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });

  it('says so when nothing is to be added', () => {
    expect(describeEvaluation({ ...EVALUATION, advice: [] }, 80)).toContain('Nothing to add');
  });
});
