import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONFIG_FILE_NAME } from '../../config/find-config.js';
import { nearest } from '../../core/nearest.js';
import type { Command } from '../command.js';
import { ConfigurationError, EXIT, UsageError } from '../exit-code.js';
import { starterText } from '../init/starter.js';

const CLIENT_NAMES = ['claude', 'cursor', 'vscode'];

export const initCommand: Command = {
  name: 'init',
  summary: 'Write a commented gaffr.config.json to start with, and tell clients of this server',
  synopsis: '[flags]',
  flags: {
    config: {
      type: 'string',
      value: 'FILE',
      help: 'Where to write the configuration; with --client, one that is there is kept (default: ./gaffr.config.json)',
    },
    client: {
      type: 'string',
      value: CLIENT_NAMES.join('|'),
      help: "Add this server to that client's file in this folder (default: print what to add)",
    },
    force: { type: 'boolean', help: 'Overwrite what is there' },
  },
  async run(args, { terminal }) {
    if (args.positionals.length > 0)
      throw new UsageError('gaffr init takes no argument; see gaffr init --help.');
    const { CLIENTS, clientEntry, withServer } = await import('../init/client-config.js');
    const name = args.text('client');
    const client = name === undefined ? undefined : CLIENTS[checkClient(name)];
    const mayOverwrite = args.isSet('force');
    const file = resolve(args.text('config') ?? CONFIG_FILE_NAME);
    const entry = clientEntry(await realPathOf(new URL('../main.js', import.meta.url)), file);
    // What cannot be written is told before anything is.
    const changed =
      client === undefined ? null : withServer(await readIfThere(client.file), entry, client, mayOverwrite);
    // A second client gets an entry for the configuration that the first one has.
    const isKept = client !== undefined && !mayOverwrite && (await readIfThere(file)) !== null;
    if (!isKept) await writeStarter(file, mayOverwrite);
    terminal.tell(`${isKept ? 'Kept' : 'Wrote'} ${file}.`);
    if (client === undefined || changed === null) {
      terminal.tell('Add this to the MCP servers of your client:');
      await terminal.print(JSON.stringify({ mcpServers: { gaffr: entry } }, null, 2));
    } else {
      await writeOrExplain(client.file, changed, { mode: 0o644, flag: 'w' });
      terminal.tell(`Added gaffr to ${client.file}.`);
    }
    const named = args.text('config');
    terminal.tell(`Check it by: gaffr doctor${named === undefined ? '' : ` --config ${named}`}`);
    return EXIT.success;
  },
};

function checkClient(name: string): string {
  if (CLIENT_NAMES.includes(name)) return name;
  const meant = nearest(name, CLIENT_NAMES);
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  throw new UsageError(`--client must be one of ${CLIENT_NAMES.join(', ')}, not "${name}".${hint}`);
}

async function writeStarter(file: string, mayOverwrite: boolean): Promise<void> {
  const schema = await schemaFrom(dirname(file));
  // "wx" fails when the file is there, and does not follow a link in its place.
  await writeOrExplain(file, starterText(schema), { mode: 0o600, flag: mayOverwrite ? 'w' : 'wx' });
}

async function writeOrExplain(
  file: string,
  text: string,
  options: { readonly mode: number; readonly flag: string },
): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, options);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isThere = code === 'EEXIST' && options.flag === 'wx';
    const reason = isThere ? 'it is there already; --force overwrites it' : `cannot be written: ${message}`;
    throw new ConfigurationError(`${file}: ${reason}.`, { cause });
  }
}

/** The schema of this package, by a path that goes with the project when the package is in it. */
async function schemaFrom(folder: string): Promise<string> {
  const schema = fileURLToPath(new URL('../../../gaffr.schema.json', import.meta.url));
  const local = join(folder, 'node_modules', 'gaffr', 'gaffr.schema.json');
  const isLocal = (await realPathOf(local)) === (await realPathOf(schema));
  return isLocal ? `./${relative(folder, local).split(sep).join('/')}` : schema;
}

async function realPathOf(path: string | URL): Promise<string> {
  const plain = path instanceof URL ? fileURLToPath(path) : path;
  return realpath(plain).catch(() => plain);
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new ConfigurationError(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
