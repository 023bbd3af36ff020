import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { withOptionDocs } from '../../scripts/option-docs.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

it.each([
  ['core/task', 'timeoutSeconds', 'Limit of one attempt, in seconds.'],
  ['core/task', 'signal', 'Cancels the task in whatever state it is.'],
  ['core/task', 'failFast', 'Cancel what has not ended once one task fails.'],
  ['core/task', 'dependsOn', 'Ids of subtasks that must complete first.'],
  ['core/config', 'maxParallel', 'Most attempts that run at once, over all services. Default: 5.'],
  ['core/config', 'confidenceThreshold', 'Least confidence of a match, 0 to 1. Default: 0.5.'],
  ['core/rate-limiter', 'intervalSeconds', 'Length of the interval, in seconds; 0 for no limit.'],
  [
    'services/subprocess',
    'args',
    'Its arguments, each as it stands. With one-shot, {task} stands for the task.',
  ],
])('the declarations of %s say what %s is', (file, option, text) => {
  const code = readFileSync(`${root}dist/${file}.d.ts`, 'utf8');
  const described = code.split(`/** ${text} */ ${option}: `).length - 1;

  expect(described).toBeGreaterThan(0);
  expect(code.split(new RegExp(`^ +${option}: z\\.`, 'm'))).toHaveLength(1);
});

it('withOptionDocs() moves no line, which the maps of the declarations go by', () => {
  const code =
    'export declare const taskDataSchema: Lazy<{\n    priority: number;\n    unknown: number;\n}>;\n';

  expect(withOptionDocs(code, `${root}src/core/task.ts`)).toBe(
    code.replace('priority', '/** Higher goes first; default 0. */ priority'),
  );
});
