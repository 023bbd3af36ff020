/**
 * Starts the server of the installed bundle. Its arguments are the folders that the user chose.
 *
 * A client leaves `${user_config.…}` as it is when the user chose nothing, and starts its servers in a folder of its own
 * liking, often the root of the disk, which must not become a folder that tasks may read.
 */
import { fileURLToPath } from 'node:url';

/** @param {string | undefined} value */
const isChosen = (value) => value !== undefined && value !== '' && !value.startsWith('${');

const folders = process.argv.slice(2).filter(isChosen);
if (!isChosen(process.env.GAFFR_CONFIG)) delete process.env.GAFFR_CONFIG;
process.chdir(fileURLToPath(new URL('no-folder', import.meta.url)));
process.argv.splice(2, Number.POSITIVE_INFINITY, 'serve', ...folders.flatMap((folder) => ['--root', folder]));
await import(new URL('dist/cli/main.js', import.meta.url).href);
