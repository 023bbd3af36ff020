import { applyEdits, modify, type ParseError, parse } from 'jsonc-parser';
import { ConfigurationError } from '../exit-code.js';

/** How a client starts this server. */
export interface ClientEntry {
  readonly command: string;
  readonly args: readonly string[];
}

/** A client with a file of servers in the folder of a project. */
export interface Client {
  readonly file: string;
  /** The key of the block of servers. */
  readonly block: 'mcpServers' | 'servers';
}

/** Clients that `gaffr init --client` knows. */
export const CLIENTS: Readonly<Record<string, Client>> = {
  claude: { file: '.mcp.json', block: 'mcpServers' },
  cursor: { file: '.cursor/mcp.json', block: 'mcpServers' },
  vscode: { file: '.vscode/mcp.json', block: 'servers' },
};

/** How a client starts this very gaffr with a configuration file. Clients with a window have no PATH to rely on. */
export function clientEntry(program: string, configFile: string): ClientEntry {
  const serve = ['serve', '--config', configFile];
  // What npx has fetched for one run is gone tomorrow.
  const isPassing = /[\\/]_npx[\\/]/.test(program);
  return isPassing
    ? { command: 'npx', args: ['-y', 'gaffr', ...serve] }
    : { command: process.execPath, args: [program, ...serve] };
}

/**
 * A client's file with this server in it. Everything else in it, comments too, stays as it is.
 *
 * @param text - The file as it is; null when there is none.
 * @throws ConfigurationError when it is no JSON or not of the form of such a file, or has another server of this name and may not be overwritten.
 */
export function withServer(
  text: string | null,
  entry: ClientEntry,
  { file, block }: Client,
  mayOverwrite: boolean,
): string {
  // Some editors begin a file with a mark of its encoding.
  const own = text?.replace(/^\uFEFF/, '') ?? '';
  const before = own.trim() === '' ? '{}' : own;
  const errors: ParseError[] = [];
  const value: unknown = parse(before, errors, { allowTrailingComma: true });
  if (errors.length > 0) throw new ConfigurationError(`${file} is no JSON; mend it, or add gaffr by hand.`);
  if (!isObject(value)) throw new ConfigurationError(misshapen(file, 'must hold an object'));
  const { [block]: servers = {} } = value;
  if (!isObject(servers)) throw new ConfigurationError(misshapen(file, `must have an object as "${block}"`));
  const existing = servers.gaffr;
  if (existing !== undefined && !mayOverwrite) {
    throw new ConfigurationError(`${file} has a server "gaffr" already; --force replaces it.`);
  }
  const edits = modify(before, [block, 'gaffr'], entry, {
    formattingOptions: { insertSpaces: true, tabSize: 2 },
  });
  return `${applyEdits(before, edits).trimEnd()}\n`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function misshapen(file: string, rule: string): string {
  return `${file} ${rule}; mend it, or add gaffr by hand.`;
}
