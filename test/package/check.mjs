/**
 * Checks the package as users get it: packs it, installs the tarball without its optional packages into an empty
 * folder, weighs it, imports and bundles every subpath, runs the command and the README's example, and lets npx run the
 * demo in another empty folder. Also reads the lockfiles. Exit code 1 with a line per fault.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linksOf } from '../../scripts/pages.mjs';
import { bundledBytes, bundleFaults } from './bundles.mjs';

/**
 * What the package may weigh at most, a tenth above what it weighs. Whoever needs more raises the figure here and says in the
 * commit what users get for it.
 */
const BUDGETS = {
  packedKb: { most: 2_800, what: 'kB of the tarball' },
  installedMb: { most: 65, what: 'MB of installed packages, without the optional ones' },
  rootKb: { most: 1_770, what: "kB of code that import 'gaffr' loads, its packages included" },
  rootFiles: { most: 120, what: "files that import 'gaffr' loads" },
  bundleKb: { most: 3_400, what: "kB of a program that imports 'gaffr', bundled" },
};

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const faults = [...lockfileFaults(), ...(await tarballFaults())];
for (const fault of faults) {
  console.error(`package: ${fault}`);
}
if (faults.length === 0) {
  console.log('package: lockfiles, tarball, weight, imports, bundles, command, example and demo are sound');
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

async function tarballFaults() {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-package-'));
  try {
    const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], root));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    npm(
      ['install', `./${packed.filename}`, '--omit=optional', '--prefer-offline', '--no-audit', '--no-fund'],
      folder,
    );
    const files = packed.files.map(({ path }) => path);
    return [
      ...contentFaults(files),
      ...linkFaults(files),
      ...(await weightFaults(folder, packed.size)),
      ...importFaults(folder),
      ...(await bundleFaults(subpaths(), folder)),
      ...commandFaults(folder),
      ...readmeFaults(folder),
      ...slimFaults(folder),
      ...demoFaults(join(folder, packed.filename)),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {readonly string[]} files */
function contentFaults(files) {
  const needed = ['LICENSE', 'package.json', 'dist/index.d.ts', 'gaffr.schema.json'];
  const allowed =
    /^(dist|src|docs|examples\/notes)\/|^examples\/(invoice\.pdf|scan\.pdf|receipt\.jpg|page\.html)$|^(LICENSE|README\.md|CHANGELOG\.md|CONTRIBUTING\.md|SECURITY\.md|package\.json|mcp\.json|gaffr\.schema\.json|llms\.txt)$/;
  return [
    ...needed.filter((path) => !files.includes(path)).map((path) => `the tarball lacks ${path}`),
    ...files.filter((path) => !allowed.test(path)).map((path) => `the tarball holds ${path}`),
  ];
}

/** A page links only to what is in the tarball beside it. @param {readonly string[]} files */
function linkFaults(files) {
  return files
    .filter((path) => path.endsWith('.md') || path === 'llms.txt')
    .flatMap((page) =>
      linksOf(readFileSync(join(root, page), 'utf8'))
        .filter((link) => !link.startsWith('#'))
        .map((link) => posix.join(posix.dirname(page), link.split('#')[0]))
        .filter((target) => !files.some((path) => path === target || path.startsWith(`${target}/`)))
        .map((target) => `${page} links to ${target}, which is not in the tarball`),
    );
}

/**
 * @param {string} folder
 * @param {number} packedBytes
 */
async function weightFaults(folder, packedBytes) {
  const loaded = filesLoadedByRoot(folder);
  const installed = readdirSync(join(folder, 'node_modules'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const weights = {
    packedKb: packedBytes / 1e3,
    installedMb: bytesOf(installed) / 1e6,
    rootKb: bytesOf(loaded) / 1e3,
    rootFiles: loaded.length,
    bundleKb: (await bundledBytes(manifest.name, folder)) / 1e3,
  };
  return Object.entries(BUDGETS).flatMap(([name, { most, what }]) => {
    const weight = Math.round(weights[name] * 10) / 10;
    console.log(`package: ${weight} ${what}, at most ${most}`);
    // A recorder that has recorded nothing has weighed nothing.
    if (weight > 0 && weight <= most) return [];
    return [
      `${weight} ${what}; at most ${most} are allowed. See what came in, or raise BUDGETS in this file`,
    ];
  });
}

/** @param {string} folder */
function filesLoadedByRoot(folder) {
  const recorder = new URL('../structure/record-loads.mjs', import.meta.url).href;
  const program = join(folder, 'node_modules', manifest.name, manifest.exports['.'].default);
  const { stdout } = spawnNode(['--import', recorder, program], folder);
  const urls = [...stdout.matchAll(/^loaded (.*node_modules.*)$/gm)].map(([, url]) => url);
  return [...new Set(urls.map((url) => (url.startsWith('file:') ? fileURLToPath(url) : url)))];
}

/** @param {readonly string[]} paths */
function bytesOf(paths) {
  return paths.reduce((sum, path) => sum + statSync(path).size, 0);
}

/** The library example of the README, as somebody pastes it into a file. */
function readmeFaults(folder) {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, example] = /## Use it as a library[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  if (example === undefined) return ['README.md has no example under "Use it as a library"'];
  writeFileSync(join(folder, 'pasted.mjs'), example);
  const { status, stdout, stderr } = spawnNode(['pasted.mjs'], folder);
  const isRight = status === 0 && stdout.includes('vision keywords extract, pdf');
  return isRight ? [] : [`the README's library example ended with ${status}: ${stdout}${stderr}`];
}

/**
 * `npx gaffr demo` in an empty folder, with everything that npx installs. It gets a folder of its own for what it installs,
 * and the downloads of npm's usual cache, so that little or nothing is fetched.
 *
 * @param {string} tarball
 */
function demoFaults(tarball) {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-npx-'));
  try {
    const [cache, empty] = [join(folder, 'cache'), join(folder, 'empty')];
    const usual = join(npm(['config', 'get', 'cache'], root).trim(), '_cacache');
    for (const each of [cache, empty, usual]) mkdirSync(each, { recursive: true });
    symlinkSync(usual, join(cache, '_cacache'), 'junction');
    const { status, stdout, stderr } = spawnSync(
      'npm',
      ['exec', '--yes', '--prefer-offline', '--cache', cache, `--package=${tarball}`, '--', 'gaffr', 'demo'],
      { cwd: empty, encoding: 'utf8', timeout: 300_000, shell: process.platform === 'win32' },
    );
    const left = readdirSync(empty);
    return [
      ...(status === 0 && /^✓/m.test(stdout)
        ? []
        : [`npx gaffr demo ended with ${status}: ${stdout}${stderr}`]),
      ...(left.length === 0 ? [] : [`npx gaffr demo left ${left.join(', ')} in an empty folder`]),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The root loads without the optional packages; another subpath loads or says which package it misses. */
function importFaults(folder) {
  return subpaths().flatMap((specifier) => {
    const isOptional = specifier !== manifest.name;
    const program = `import(${JSON.stringify(specifier)}).then(
      (names) => process.exit(Object.keys(names).length > 0 ? 0 : 3),
      (error) => { console.error(error); process.exit(${isOptional} && error?.code === 'MISSING_PACKAGE' ? 0 : 1); },
    );`;
    const { status, stderr } = spawnNode(['--input-type=module', '--eval', program], folder);
    return status === 0 ? [] : [`import of ${specifier} ended with ${status}: ${stderr}`];
  });
}

/** What can be imported, by its whole name. */
function subpaths() {
  const paths = Object.keys(manifest.exports).filter((path) => !path.endsWith('.json'));
  return paths.map((path) => `${manifest.name}${path.slice(1)}`);
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
