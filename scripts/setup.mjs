/** Everything that `npm start` and `npm test` need on a fresh checkout: packages, then dist. Plain Node, no packages. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { install } from './install.mjs';
import { root, runSteps } from './run.mjs';

runSteps(() => {
  refuseOldNode();
  install(root, 'packages');
  build();
});

/** npm only warns, and what fails later does not say why. */
function refuseOldNode() {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [major = 0, minor = 0] = numbersOf(process.versions.node);
  const [leastMajor = 0, leastMinor = 0] = numbersOf(engines.node);
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
    throw new Error(`gaffr needs Node ${engines.node}; this is ${process.version}`);
  }
}

/** @param {string} version */
function numbersOf(version) {
  return (version.match(/\d+/g) ?? []).map(Number);
}
