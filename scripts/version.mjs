/** Takes the version of package.json into the lockfile, server.json and the source. `npm run release-version` runs it after changesets. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

const { version } = read('package.json');

const lockfile = read('package-lock.json');
lockfile.version = version;
lockfile.packages[''].version = version;
write('package-lock.json', lockfile);

const server = read('server.json');
server.version = version;
for (const entry of server.packages) entry.version = version;
write('server.json', server);

const source = join(root, 'src', 'core', 'package-version.ts');
writeFileSync(source, readFileSync(source, 'utf8').replace(/'.*'/, `'${version}'`));

/** @param {string} file */
function read(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8'));
}

/**
 * @param {string} file
 * @param {unknown} value
 */
function write(file, value) {
  writeFileSync(join(root, file), `${JSON.stringify(value, null, 2)}\n`);
}
