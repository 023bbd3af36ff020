/**
 * Writes generated and broken input to real servers, over stdio and over HTTP, and ends with one line of figures:
 * `npm run fuzz -- --inputs 50000 --json`.
 *
 * --inputs N  how many inputs, half of them over each (default 4,000)
 * --base B    the first seed (default 1); input number n is made of seed B + n alone
 * --over T    stdio or http alone
 * --json      the last line is JSON
 *
 * A server that ends, hangs, answers twice or writes what is no message is told with the seeds under way; exit code 1.
 */
import { parseArgs } from 'node:util';
import { fuzzHttp } from './http-target.js';
import { Violation } from './judge.js';
import { fuzzStdio } from './stdio-target.js';
import type { Tally } from './tally.js';

/** Inputs that one server process gets, and how many of them at once. */
const PER_PROCESS = 2500;
const BATCH = 250;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '4000' },
    base: { type: 'string', default: '1' },
    over: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const startMs = performance.now();
const targets = Object.entries({ stdio: fuzzStdio, http: fuzzHttp }).filter(
  ([name]) => values.over === undefined || values.over === name,
);
const share = Math.ceil(Number(values.inputs) / targets.length);
const base = Number(values.base);
const results = await Promise.all(
  targets.map(async ([name, fuzz], index) => [name, await runAll(fuzz, base + index * share)] as const),
);
report();

async function runAll(
  fuzz: (seeds: readonly number[], batchSize: number) => Promise<Tally>,
  first: number,
): Promise<Tally & { readonly violations: readonly string[] }> {
  const violations: string[] = [];
  let inputs = 0;
  let answers = 0;
  const statuses: Record<number, number> = {};
  for (let from = 0; from < share; from += PER_PROCESS) {
    const length = Math.min(PER_PROCESS, share - from);
    const seeds = Array.from({ length }, (_, index) => first + from + index);
    try {
      const tally = await fuzz(seeds, BATCH);
      inputs += tally.inputs;
      answers += tally.answers;
      for (const [status, count] of Object.entries(tally.statuses ?? {})) {
        statuses[Number(status)] = (statuses[Number(status)] ?? 0) + count;
      }
    } catch (cause) {
      if (!(cause instanceof Violation)) throw cause;
      violations.push(cause.message);
    }
  }
  return { inputs, answers, statuses, violations };
}

function report(): void {
  const violations = results.flatMap(([, tally]) => tally.violations);
  for (const violation of violations) console.log(violation);
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  const figures = Object.fromEntries(
    results.map(([name, tally]) => [name, { ...tally, violations: tally.violations.length }]),
  );
  if (violations.length > 0) process.exitCode = 1;
  console.log(
    values.json
      ? JSON.stringify({
          inputs: share * targets.length,
          base,
          ...figures,
          violations: violations.length,
          seconds,
        })
      : `${share * targets.length} inputs in ${seconds} s: ${violations.length} violations`,
  );
}
