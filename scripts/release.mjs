/**
 * What the release workflow asks before it publishes.
 *
 *   node scripts/release.mjs check v1.2.3            fails unless every file that names the version names this one
 *   node scripts/release.mjs channel v1.2.3          prints the tag of npm: latest, or next for v1.2.3-beta.1
 *   node scripts/release.mjs repository https://…    writes into package.json where it is published from
 *
 * The provenance of a package is refused unless package.json names the repository that the workflow runs in. So it is
 * written there by the workflow, and a copy of the repository under another name can publish too.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMain, root, runSteps } from './run.mjs';

/**
 * Compares a tag with the versions that files name.
 *
 * @param {string} tag - As `v1.2.3`.
 * @param {Readonly<Record<string, string>>} versions - By the file that names them.
 * @returns {string[]} What is wrong, one sentence each.
 */
export function tagFaults(tag, versions) {
  if (!/^v\d+\.\d+\.\d+(-[\w.-]+)?$/.test(tag)) return [`The tag must be like v1.2.3, not "${tag}".`];
  return Object.entries(versions)
    .filter(([, version]) => `v${version}` !== tag)
    .map(([file, version]) => `${file} has version ${version}, the tag is ${tag}; make them the same.`);
}

/**
 * The tag of npm that a version is published under, so that nobody gets a trial version unasked.
 *
 * @param {string} tag
 */
export function channelOf(tag) {
  return tag.includes('-') ? 'next' : 'latest';
}

/**
 * The field `repository` as npm wants it.
 *
 * @param {string} address - As `https://github.com/owner/name`.
 * @throws {Error} When it is no such address.
 */
export function repositoryOf(address) {
  if (!/^https:\/\/[\w.-]+\/[\w.-]+\/[\w.-]+$/.test(address))
    throw new Error(`The repository must be like https://github.com/owner/name, not "${address}".`);
  return { type: 'git', url: `git+${address.replace(/\.git$/, '')}.git` };
}

/** @param {string} path */
function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

/**
 * The versions that files of the checkout name.
 *
 * @returns {Record<string, string>} By file.
 */
export function versionsHere() {
  const { version, packages } = readJson('package-lock.json');
  const server = readJson('server.json');
  return {
    'package.json': readJson('package.json').version,
    'package-lock.json': version,
    'package-lock.json, its own package': packages[''].version,
    'server.json': server.version,
    'server.json, its package': server.packages[0].version,
    'src/core/package-version.ts': versionInSource(),
  };
}

function versionInSource() {
  const source = readFileSync(join(root, 'src', 'core', 'package-version.ts'), 'utf8');
  return /'(.*)'/.exec(source)?.[1] ?? '';
}

if (isMain(import.meta.url)) {
  const [command, value = ''] = process.argv.slice(2);
  runSteps(() => {
    if (command === 'check') {
      const faults = tagFaults(value, versionsHere());
      if (faults.length > 0) throw new Error(faults.join('\n'));
    } else if (command === 'channel') {
      console.log(channelOf(value));
    } else if (command === 'repository') {
      const manifest = { ...readJson('package.json'), repository: repositoryOf(value) };
      writeFileSync(join(root, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    } else {
      throw new Error(`Say check, channel or repository, not "${command ?? ''}".`);
    }
  });
}
