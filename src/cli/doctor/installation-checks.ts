import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Check, fault, ok, warning } from './check.js';

const require = createRequire(import.meta.url);
const manifest: {
  readonly engines: { readonly node: string };
  readonly optionalDependencies?: Readonly<Record<string, string>>;
} = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));

/** What goes without each optional package. */
const LOST: Readonly<Record<string, string>> = {
  'tesseract.js': 'vision cannot read text in pictures and scans',
  '@tesseract.js-data/eng': 'vision cannot read text in pictures and scans',
  exifr: 'vision tells no camera facts',
  'z3-solver': 'reasoning solves no equations and puzzles',
};

/** Checks Node and the optional packages. */
export function checkInstallation(version: string, nodeVersion = process.versions.node): Check[] {
  return [checkNode(nodeVersion), ok('gaffr', `version ${version}`), ...checkPackages()];
}

function checkNode(version: string): Check {
  const needed = manifest.engines.node;
  const [major = 0, minor = 0] = numbersOf(version);
  const [leastMajor = 0, leastMinor = 0] = numbersOf(needed);
  const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  return isEnough
    ? ok('node', `version ${version}`)
    : fault('node', `version ${version}; gaffr needs ${needed}`, 'install a newer Node: https://nodejs.org');
}

function checkPackages(): Check[] {
  return Object.keys(manifest.optionalDependencies ?? {}).map((name) => {
    const subject = `package ${name}`;
    try {
      require.resolve(`${name}/package.json`);
      return ok(subject, 'is installed');
    } catch (cause) {
      // A package that is there may not show its package.json.
      const isThere = (cause as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED';
      if (isThere) return ok(subject, 'is installed');
      const lost = LOST[name] ?? 'some services miss it';
      return warning(subject, `is not installed: ${lost}`, `npm install ${name}`);
    }
  });
}

function numbersOf(version: string): number[] {
  return (version.match(/\d+/g) ?? []).map(Number);
}
