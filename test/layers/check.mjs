/**
 * Checks the layer rules: first that each rule finds the small tree made to break it and passes the sound trees, then
 * that src keeps them all. Prints what it finds on stdout; exit code 1 when anything is wrong.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';
import { sound, violations } from './examples.mjs';
import { rules } from './rules.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

const faults = [...(await faultsOfRules()), ...(await faultsOfSource())];
for (const fault of faults) {
  console.log(fault);
}
console.log(faults.length === 0 ? `${rules.length} layer rules hold` : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;

/** Faults of the rules themselves: one that does not bite, or bites what is sound. */
async function faultsOfRules() {
  const expectations = [
    ...rules.map(({ name }) => ({ name, files: violations[name] ?? {}, expected: [name] })),
    ...Object.entries(sound).map(([name, files]) => ({ name, files, expected: [] })),
  ];
  const found = [];
  for (const { name, files, expected } of expectations) {
    const broken = [...new Set((await violationsOf(files)).map(({ rule }) => rule.name))];
    if (broken.join() !== expected.join()) {
      found.push(`example "${name}" breaks [${broken.join(', ')}] instead of [${expected.join(', ')}]`);
    }
  }
  return found;
}

/** Faults of src: what imports what it may not, one line each. */
async function faultsOfSource() {
  const comments = new Map(rules.map(({ name, comment }) => [name, comment]));
  const { violations: found } = await summaryOf(root);
  return found.map(
    (violation) => `${pathOf(violation)}: ${comments.get(violation.rule.name)} (${violation.rule.name})`,
  );
}

function pathOf({ type, from, to, cycle }) {
  switch (type) {
    case 'module':
      return from;
    case 'cycle':
      return [from, ...cycle.map(({ name }) => name)].join(' → ');
    default:
      return `${from} → ${to}`;
  }
}

async function violationsOf(files) {
  // Inside the checkout, so that packages resolve as they do from src.
  mkdirSync(join(root, 'out'), { recursive: true });
  const tree = mkdtempSync(join(root, 'out', 'layers-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      const file = join(tree, 'src', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${text}\nexport {};\n`);
    }
    return (await summaryOf(tree)).violations;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

async function summaryOf(folder) {
  const { output } = await cruise(
    ['src'],
    {
      baseDir: folder,
      validate: true,
      ruleSet: { forbidden: rules },
      // Types count: a type taken from a higher layer couples the layers as much as a function does.
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
    },
    { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  );
  return output.summary;
}
