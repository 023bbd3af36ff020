// Runs the stories offline, each in a process of its own. A story that is wrong ends with a failed assertion. Needs python3.
// The last line counts what passed and what failed; exit code 1 when anything did.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linkPackage } from '../scripts/link-package.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const top = join(here, '..');
const tsc = join(top, 'node_modules', 'typescript', 'bin', 'tsc');

/** Files, what they have to print beside ending well, and the platforms where they can be run. Default: all. */
const STORIES = [
  {
    file: 'quick-start.ts',
    prints: /^vision keywords extract, pdf .*[\s\S]*\[ 'completed', 'completed' \]$/,
  },
  { file: 'custom-strategy.ts', prints: /germanDesk/ },
  { file: 'python-service.ts', prints: /words: 6/ },
  { file: 'claude-desktop.ts', prints: /^execute .*\n12% of 80 is 9\.6, and the tea takes 90 seconds$/ },
  { file: 'document-pipeline.ts', prints: /Corner Bakery +13 +16087\.50[\s\S]*41 tasks in / },
  { file: 'research-assistant.ts', prints: /^2 findings from 8 notes\n[\s\S]*300 seconds/ },
  { file: 'crash-recovery.ts', prints: /payment-1 interrupted[\s\S]*payment-1 completed$/ },
  {
    file: 'scale-out.ts',
    prints: /^16 reports by 2 workers, one of them killed; at most [1-4] at once$/,
    on: ['linux', 'darwin'],
  },
  { file: 'langgraph/supervisor.ts', prints: /math \{ text: '144' \}/ },
];

/** How long a story may take, in milliseconds. */
const STORY_MS = 60_000;

linkPackage(join(here, 'langgraph'));

const outcomes = [
  { what: 'types of langgraph/', fault: faultOf([tsc, '-p', join(here, 'langgraph')], /^/) },
  ...STORIES.filter(isHere).map(({ file, prints }) => ({
    what: file,
    fault: faultOf(['--no-warnings', '--import', 'tsx', join(here, file)], prints),
  })),
];
for (const { what, fault } of outcomes)
  console.log(fault === null ? `ok    ${what}` : `WRONG ${what}\n${fault}`);
const failed = outcomes.filter(({ fault }) => fault !== null).length;
console.log(`examples: ${outcomes.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** There is no Restate server for Windows. @param {{ file: string, on?: readonly string[] }} story */
function isHere({ file, on }) {
  const can = on?.includes(process.platform) !== false;
  if (!can) console.log(`-     ${file}: not on ${process.platform}`);
  return can;
}

/**
 * Runs Node, and says what was wrong with it, or null.
 *
 * @param {readonly string[]} args
 * @param {RegExp} prints
 * @returns {string | null}
 */
function faultOf(args, prints) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: top,
    encoding: 'utf8',
    timeout: STORY_MS,
  });
  const said = `${stdout}${stderr}`;
  if (status !== 0) return `ended with ${status ?? signal}:\n${said}`;
  return prints.test(stdout.trim()) ? null : `did not print ${prints}:\n${said}`;
}
