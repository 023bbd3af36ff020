/**
 * Checks the package as users get it: packs it, installs the tarball without its optional packages into an empty
 * folder, imports every subpath, and runs the command. Also reads the lockfiles. Exit code 1 with a line per fault.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const faults = [...lockfileFaults(), ...tarballFaults()];
for (const fault of faults) {
  console.error(`package: ${fault}`);
}
if (faults.length === 0) {
  console.log('package: lockfiles, tarball, imports and command are sound');
}
process.exitCode = faults.length === 0 ? 0 : 1;

/** A download address in a lockfile ties everyone to one registry. */
function lockfileFaults() {
  const lockfiles = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*package-lock.json'], {
    cwd: root,
    encoding: 'utf8',
  });
  return lockfiles
    .split('\n')
    .filter((path) => path !== '' && /"resolved": "[a-z+]+:\/\//.test(readFileSync(join(root, path), 'utf8')))
    .map(
      (path) =>
        `${path} names download addresses; .npmrc beside it needs omit-lockfile-registry-resolved=true`,
    );
}

function tarballFaults() {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-package-'));
  try {
    const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], root));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    npm(
      ['install', `./${packed.filename}`, '--omit=optional', '--prefer-offline', '--no-audit', '--no-fund'],
      folder,
    );
    console.log(`package: ${packed.entryCount} files, ${Math.round(packed.size / 1024)} kB packed`);
    const files = packed.files.map(({ path }) => path);
    return [
      ...contentFaults(files),
      ...importFaults(folder),
      ...commandFaults(folder),
      ...slimFaults(folder),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {readonly string[]} files */
function contentFaults(files) {
  const needed = ['LICENSE', 'package.json', 'dist/index.d.ts', 'gaffr.schema.json'];
  const allowed =
    /^(dist|src|docs)\/|^(LICENSE|README\.md|CHANGELOG\.md|package\.json|mcp\.json|gaffr\.schema\.json|llms\.txt)$/;
  return [
    ...needed.filter((path) => !files.includes(path)).map((path) => `the tarball lacks ${path}`),
    ...files.filter((path) => !allowed.test(path)).map((path) => `the tarball holds ${path}`),
  ];
}

/** The root loads without the optional packages; another subpath loads or says which package it misses. */
function importFaults(folder) {
  const subpaths = Object.keys(manifest.exports).filter((path) => !path.endsWith('.json'));
  return subpaths.flatMap((subpath) => {
    const specifier = `${manifest.name}${subpath.slice(1)}`;
    const isOptional = subpath !== '.';
    const program = `import(${JSON.stringify(specifier)}).then(
      (names) => process.exit(Object.keys(names).length > 0 ? 0 : 3),
      (error) => { console.error(error); process.exit(${isOptional} && error?.code === 'MISSING_PACKAGE' ? 0 : 1); },
    );`;
    const { status, stderr } = spawnNode(['--input-type=module', '--eval', program], folder);
    return status === 0 ? [] : [`import of ${specifier} ended with ${status}: ${stderr}`];
  });
}

function commandFaults(folder) {
  return Object.keys(manifest.bin).flatMap((name) => {
    // npm's own way to start a command, so that its link, its first line and its mode are checked too.
    const version = npm(['exec', '--offline', '--', name, '--version'], folder).trim();
    return version === manifest.version
      ? []
      : [`"${name} --version" printed "${version}" instead of ${manifest.version}`];
  });
}

/** Without the optional packages it starts, routes, does what it can, and says what is missing. */
function slimFaults(folder) {
  copyFileSync(join(root, 'examples/receipt.jpg'), join(folder, 'receipt.jpg'));
  copyFileSync(join(root, 'examples/invoice.pdf'), join(folder, 'invoice.pdf'));
  const main = join(folder, 'node_modules', manifest.name, manifest.bin.gaffr);
  const run = (...args) => spawnNode([main, ...args], folder);
  const faults = [];
  const routed = run('route', 'OCR the photo receipt.jpg', '--json', '--no-config');
  if (JSON.parse(routed.stdout || '{}').service !== 'vision') {
    faults.push(`without optional packages a task is not routed: ${routed.stdout}${routed.stderr}`);
  }
  /** Task, outcome, and what the answer must say. */
  const expected = [
    ['What is 12% of 80?', 'completed', /9\.6/],
    ['Extract text from invoice.pdf', 'completed', /2024-117/],
    ['OCR the photo receipt.jpg', 'MISSING_PACKAGE', /npm install tesseract\.js/],
    ['Solve x + y = 35 and 2x + 4y = 94', 'MISSING_PACKAGE', /npm install z3-solver/],
  ];
  for (const [task, outcome, says] of expected) {
    const { stdout, stderr } = run('run', task, '--json', '--no-config');
    const text = `${stdout}${stderr}`;
    if (!text.includes(outcome) || !says.test(text)) {
      faults.push(`without optional packages "${task}" did not end as ${outcome} ${says}: ${text}`);
    }
  }
  const { stdout } = run('doctor', '--no-config');
  for (const name of Object.keys(manifest.optionalDependencies)) {
    if (!stdout.includes(name)) faults.push(`gaffr doctor does not say that ${name} is missing: ${stdout}`);
  }
  return faults;
}

function spawnNode(args, folder) {
  return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 60_000 });
}

function npm(args, folder) {
  const options = {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  };
  return execFileSync('npm', ['--loglevel=error', ...args], options);
}
