import type { ErrorCode } from '../../core/errors.js';

/** What a task of the demo must come to. */
export type Expectation =
  /** Offline and without a key; `contains` are parts of the right answer. */
  | { readonly kind: 'answer'; readonly contains: readonly string[] }
  /** Nothing here can answer it honestly: one of these codes, or an answer when a provider is there after all. */
  | { readonly kind: 'needs'; readonly codes: readonly ErrorCode[] }
  /** Must be refused, whatever is configured. */
  | { readonly kind: 'refusal'; readonly code: ErrorCode };

/** One task of the demo. */
export interface DemoTask {
  readonly task: string;
  readonly service: string;
  readonly expected: Expectation;
}

/**
 * The tasks of the demo, over the files in `examples`.
 *
 * @param pageUrl - Address of `page.html` on the demo's own server.
 */
export function demoTasks(pageUrl: string): readonly DemoTask[] {
  return [
    answered('vision', 'Extract text from invoice.pdf', ['1,284.50']),
    answered('vision', 'Extract the text of the scanned pdf scan.pdf', ['68,400', 'HCL-5520']),
    answered('vision', 'Read the text in the photo receipt.jpg', ['19.60']),
    answered('responses', 'Search my notes for the default timeout', ['300 seconds']),
    answered('responses', `Browse the page ${pageUrl}`, ['How lighthouses tell their names', 'Fresnel']),
    answered('reasoning', 'What is 12% of 80?', ['9.6']),
    answered('reasoning', 'Solve x + y = 35 and 2x + 4y = 94', ['"x":23', '"y":12']),
    answered('reasoning', 'Solve this puzzle: SEND + MORE = MONEY', ['"M":1', '"S":9']),
    answered(
      'reasoning',
      'Logic: If it rains then the ground is wet. It rains. Therefore the ground is wet',
      ['"status":"follows"'],
    ),
    needing('reasoning', 'Design a multi-step solution for this problem', ['NOT_FORMAL', 'NO_MODEL']),
    needing('responses', 'Search Google for the latest news', ['NO_SEARCH_PROVIDER']),
    needing('chat', 'Explain how async works', ['NO_MODEL']),
    {
      service: 'vision',
      task: 'Extract text from ../../secret.txt',
      expected: { kind: 'refusal', code: 'OUTSIDE_ROOT' },
    },
  ];
}

function answered(service: string, task: string, contains: readonly string[]): DemoTask {
  return { service, task, expected: { kind: 'answer', contains } };
}

function needing(service: string, task: string, codes: readonly ErrorCode[]): DemoTask {
  return { service, task, expected: { kind: 'needs', codes } };
}
