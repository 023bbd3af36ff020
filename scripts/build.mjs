/**
 * Makes dist from src, unless it was made from just these sources: the types file by file, the code in chunks.
 *
 * As a command: `node scripts/build.mjs`.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMain, root, run, runSteps, say } from './run.mjs';

const dist = join(root, 'dist');
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const chunks = join(root, 'scripts', 'chunks.mjs');
const optionDocs = join(root, 'scripts', 'option-docs.mjs');
/** Holds the fingerprint of what dist was compiled from. It goes with node_modules, and so with the compiler. */
const stamp = join(root, 'node_modules', '.cache', 'gaffr', 'build');

/** Makes dist match src. A failed compilation leaves no stamp, so that the next call compiles again. */
export function build() {
  const fingerprint = fingerprintOfSources();
  if (existsSync(dist) && existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) {
    say('dist is up to date');
    return;
  }
  say('building dist (tsc, rolldown)');
  rmSync(stamp, { force: true });
  // The compiler never removes a file whose source has gone.
  rmSync(dist, { recursive: true, force: true });
  run([process.execPath, compiler, '-p', '.', '--emitDeclarationOnly'], root);
  run([process.execPath, optionDocs], root);
  run([process.execPath, chunks], root);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, fingerprint);
}

/** SHA-256 over the paths and bytes of all that decides what dist holds. */
function fingerprintOfSources() {
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash('sha256');
  const settings = ['tsconfig.json', 'package.json', 'package-lock.json'].map((name) => join(root, name));
  for (const path of [...settings, chunks, optionDocs, ...sources]) {
    const bytes = readFileSync(path);
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

if (isMain(import.meta.url)) {
  runSteps(build);
}
