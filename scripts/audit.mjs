/**
 * Asks the registry whether packages have known vulnerabilities: none at all in those that users get, none that is high or
 * worse in those for development. Exit code 1 with a line per package when there are.
 *
 * A registry that cannot be asked is no reason to fail, since the tests run offline too: the line says so and why. With
 * `--required` it is one, as in CI and before a release.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { isMain, root } from './run.mjs';

/** @typedef {{ name: string, severity: string, range?: string, via?: readonly (string | { title?: string, url?: string })[] }} Vulnerability */
/** @typedef {{ message?: string, error?: { summary?: string }, vulnerabilities?: Record<string, Vulnerability> }} Answer */

/** @type {readonly { what: string, flags: readonly string[], least: string }[]} */
const AUDITS = [
  { what: 'packages that users get', flags: ['--omit=dev'], least: 'info' },
  { what: 'packages for development', flags: ['--include=dev'], least: 'high' },
];
const SEVERITIES = ['info', 'low', 'moderate', 'high', 'critical'];

/**
 * What an answer of `npm audit --json` comes to.
 *
 * @param {string} output
 * @param {string} least - The least severity that is a fault.
 * @returns {{ faults: readonly string[] } | { unasked: string }} `unasked` says why there is no verdict.
 */
export function verdictOf(output, least) {
  /** @type {Answer} */
  let answer;
  try {
    answer = JSON.parse(output);
  } catch {
    return { unasked: `npm audit printed no JSON: "${output.slice(0, 200)}"` };
  }
  // Without this field npm was not told about any package, whatever else it says.
  if (typeof answer?.vulnerabilities !== 'object') {
    return { unasked: answer?.message || answer?.error?.summary || 'npm audit gave no reason' };
  }
  const faults = Object.values(answer.vulnerabilities)
    .filter(({ severity }) => SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least))
    .map(({ name, severity, range, via = [] }) => {
      const titles = via.map((each) =>
        typeof each === 'string' ? `by ${each}` : `${each.title} ${each.url}`,
      );
      return `${name} ${range ?? ''} (${severity}): ${titles.join('; ')}`;
    });
  return { faults };
}

/** @param {boolean} isRequired */
function audit(isRequired) {
  let isClean = true;
  for (const { what, flags, least } of AUDITS) {
    // A shell, because npm is a shell script on Windows. Nothing here comes from outside.
    const { stdout } = spawnSync(['npm', 'audit', '--json', '--loglevel=silent', ...flags].join(' '), {
      cwd: root,
      encoding: 'utf8',
      shell: true,
    });
    const verdict = verdictOf(stdout, least);
    if ('unasked' in verdict) {
      console.log(`audit: ${what}: NOT CHECKED, the registry could not be asked: ${verdict.unasked}`);
      isClean &&= !isRequired;
    } else if (verdict.faults.length > 0) {
      for (const fault of verdict.faults) console.log(`audit: ${what}: ${fault}`);
      isClean = false;
    } else {
      console.log(`audit: ${what}: no known vulnerability of severity ${least} or worse`);
    }
  }
  return isClean;
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({ options: { required: { type: 'boolean', default: false } } });
  process.exitCode = audit(values.required) ? 0 : 1;
}
