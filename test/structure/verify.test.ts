import { expect, it } from 'vitest';
import { countTests } from '../../scripts/verify.mjs';

it.each([
  ['passed', true, { numPassedTests: 7, numFailedTests: 0 }, { passed: 7, failed: 0 }],
  ['had failed tests', false, { numPassedTests: 5, numFailedTests: 2 }, { passed: 5, failed: 2 }],
  ['failed outside its tests', false, { numPassedTests: 7, numFailedTests: 0 }, { passed: 7, failed: 1 }],
  ['did not start', false, null, { passed: 0, failed: 1 }],
  ['ran no test', true, { numPassedTests: 0, numFailedTests: 0 }, { passed: 0, failed: 1 }],
])('countTests() of a run that %s', (_case, passed, report, expected) => {
  expect(countTests(passed, report)).toEqual(expected);
});
