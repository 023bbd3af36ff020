/**
 * Plants each bug into a copy of the tree and lets the suites of the core look for it.
 * `npm run mutants -- [--only ID,ID] [--json]` prints `killed N/N` and ends with 1 when one survived.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './mutants.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COPIED = ['src', 'test', 'examples', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
/** The suites of the core, in the order in which a survivor meets them. */
const SUITES = ['test/actors', 'test/core', 'test/machines', 'test/queue', 'test/faults', 'test/simulation'];
/** A suite that takes longer hangs, which finds the bug as well. */
const LIMIT_MS = 240_000;
/** The same of a single test; none of these suites takes half of it. */
const TEST_LIMIT_MS = 10_000;

type Verdict = 'killed' | 'hung' | 'survived';

const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'boolean' } } });
const wanted = values.only?.split(',').map(Number);
const mutants = MUTANTS.filter(({ id }) => wanted?.includes(id) ?? true);
for (const mutant of mutants) assertPlantable(mutant);

const verdicts = new Map<number, Verdict>();
await assertSound();
const waiting = [...mutants];
const workers = Math.min(2, availableParallelism());
await Promise.all(Array.from({ length: workers }, work));

const survivors = mutants.filter(({ id }) => verdicts.get(id) === 'survived');
const killed = mutants.length - survivors.length;
if (values.json) {
  const survived = survivors.map(({ id, bug }) => ({ id, bug }));
  process.stdout.write(`${JSON.stringify({ mutants: mutants.length, killed, survived })}\n`);
} else process.stdout.write(`killed ${killed}/${mutants.length}\n`);
process.exitCode = survivors.length === 0 ? 0 : 1;

/** Suites that fail without any bug would "kill" everything. */
async function assertSound(): Promise<void> {
  const copy = createCopy();
  const firsts = [...new Set(mutants.flatMap(({ by }) => by))];
  const verdict = await runSuites(copy, values.only === undefined ? [...SUITES, ...firsts] : firsts);
  rmSync(copy, { recursive: true, force: true });
  if (verdict !== 'survived') {
    throw new Error(`The suites fail without any mutant (${verdict}); mend them first.`);
  }
}

function createCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'gaffr-mutants-'));
  for (const name of COPIED) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true, filter: isSource });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Judges mutants one after another in a copy of its own. */
async function work(): Promise<void> {
  const copy = createCopy();
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const started = performance.now();
    const verdict = await judge(mutant, copy);
    verdicts.set(mutant.id, verdict);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stderr.write(
      `${verdict.padEnd(8)} ${String(mutant.id).padStart(3)} ${mutant.bug} (${seconds} s)\n`,
    );
  }
  rmSync(copy, { recursive: true, force: true });
}

async function judge({ file, find, plant, by }: Mutant, copy: string): Promise<Verdict> {
  const path = join(copy, file);
  const original = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    original.replace(find, () => plant),
  );
  try {
    const first = await runSuites(copy, by);
    return first === 'survived' ? await runSuites(copy, SUITES) : first;
  } finally {
    writeFileSync(path, original);
  }
}

function runSuites(cwd: string, suites: readonly string[]): Promise<Verdict> {
  const vitest = join(cwd, 'node_modules/vitest/vitest.mjs');
  const limits = ['--bail', '1', '--testTimeout', `${TEST_LIMIT_MS}`, '--maxWorkers', '1'];
  const args = [vitest, 'run', ...limits, ...suites];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd, stdio: 'ignore', detached: true });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      resolve('hung');
    }, LIMIT_MS);
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve(code === 0 ? 'survived' : 'killed');
    });
  });
}

/** A mutant whose text is not there any more proves nothing: it must be planted anew. */
function assertPlantable({ id, bug, file, find, plant }: Mutant): void {
  const count = readFileSync(join(ROOT, file), 'utf8').split(find).length - 1;
  if (count !== 1)
    throw new Error(`Mutant ${id} (${bug}): its text stands ${count} times in ${file}; it must stand once.`);
  if (find === plant) throw new Error(`Mutant ${id} (${bug}) changes nothing.`);
}

function isSource(path: string): boolean {
  return !/[/\\](node_modules|dist|out)([/\\]|$)/.test(path.slice(ROOT.length));
}
