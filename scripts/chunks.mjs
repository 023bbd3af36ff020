/**
 * Writes the JavaScript of dist: the files that somebody starts or imports by name, and what they share in a few chunks.
 * Loading 270 small files took a third of the time of a start.
 *
 * As a command, from build.mjs: `node scripts/chunks.mjs`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { root } from './run.mjs';

const src = join(root, 'src');

/**
 * What is joined, in this order: a chunk holds all that its files import when they load, unless an earlier one does. So a
 * chunk imports earlier ones at most, and nobody loads what another needs: a worker no more than workers share, an
 * adapter nothing of the library, the library nothing of the server, a server over stdio nothing of HTTP and none of the
 * library's services that are not configured, and `gaffr --help` only commands.
 *
 * @type {readonly (readonly [chunk: string, files: readonly string[]])[]}
 */
const CHUNKS = [
  // What everybody needs, without zod.
  [
    'base',
    [
      ...['clock', 'environment', 'errors', 'finite-or-null', 'nearest', 'package-version'],
      ...['redactor', 'safe-json', 'size', 'tracing'],
    ].map(core),
  ],
  // What workers share with the library.
  [
    'words',
    [
      core('progress'),
      ...['fault', 'isolation-errors'].map((name) => service(`isolation/${name}`)),
      ...['counted-profiles', 'feature-table', 'features', 'softmax-training'].map(
        (name) => `strategies/${name}`,
      ),
    ],
  ],
  // What runs a module in a thread or process, which the library shares with their workers.
  [
    'modules',
    ['load-module', 'collect-outcome', 'capped-output'].map((name) => service(`isolation/${name}`)),
  ],
  ['workers', workers()],
  // What adapters and library share.
  [
    'task',
    [
      'core/task',
      ...['model-words', 'planner-functions', 'retry-after', 'running-attempts', 'service-fields'].map(
        service,
      ),
    ],
  ],
  // The orchestrator, and what the built-in strategies and services share with the library.
  [
    'runtime',
    [
      'orchestrator',
      ...['function', 'keyword', 'capability', 'composite'].map(strategy),
      ...['openai', 'lazy', 'redacted-service'].map(service),
    ],
  ],
  ['library', ['index']],
  // What programs that observe themselves share with the command line.
  ['records', ['inspect/flight-recorder', 'inspect/task-log', 'core/history-state']],
  // What adapters and servers share.
  ['tools', ['mcp/tools/tool-table', 'mcp/explain-arguments', 'mcp/progress', 'mcp/tool-answer']],
  ['adapters', ['ai-sdk', 'claude-agent-sdk', 'langchain', 'mastra', 'openai-agents', 'xstate'].map(adapter)],
  ['mcp', ['mcp/create-mcp-server', 'mcp/stdio']],
  ['cli', ['cli/start']],
  ['serve', ['cli/commands/serve']],
  ['builtins', ['cli/built-in-orchestrator', 'services/builtin/index']],
  ['http', ['mcp/index']],
];

const entries = [...published(), ...workers()];

/** @typedef {{ getModuleInfo(id: string): { importedIds: readonly string[] } | null }} ModuleGraph */

/** @type {Map<string, string> | undefined} */
let chunkById;

const bundle = await rolldown({
  input: Object.fromEntries(entries.map((entry) => [entry, fileOf(entry)])),
  platform: 'node',
  external: (/** @type {string} */ id) => !/^[./]/.test(id),
  resolve: { extensionAlias: { '.js': ['.ts'] } },
  plugins: [keepAddresses()],
  logLevel: 'warn',
  // Built-in services are loaded when they are configured, although their options are checked before.
  checks: { ineffectiveDynamicImport: false },
});
await bundle.write({
  dir: join(root, 'dist'),
  format: 'esm',
  sourcemap: true,
  // They are in the package, where the map looks for them.
  sourcemapExcludeSources: true,
  entryFileNames: '[name].js',
  chunkFileNames: nameOf,
  codeSplitting: {
    // A group takes with it what its modules import, so that earlier chunks have to be groups before it.
    groups: CHUNKS.map(([chunk]) => ({
      name: (/** @type {string} */ id, /** @type {ModuleGraph} */ graph) =>
        chunkOf(id, graph) === chunk ? chunk : null,
      debugName: chunk,
    })),
  },
});
await bundle.close();

/** Modules that package.json publishes: subpaths and commands, as paths in src without extension. */
function published() {
  const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const files = [...Object.values(exports).map((subpath) => subpath.default), ...Object.values(bin)];
  return files.flatMap((file) => /^\.\/dist\/(.*)\.js$/.exec(file ?? '')?.[1] ?? []);
}

/** @param {string} name */
function adapter(name) {
  return `adapters/${name}`;
}

/** @param {string} name */
function core(name) {
  return `core/${name}`;
}

/** @param {string} name */
function service(name) {
  return `services/${name}`;
}

/** @param {string} name */
function strategy(name) {
  return `strategies/${name}-strategy`;
}

/** Entries of threads and processes. */
function workers() {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).sort();
  return files.flatMap((file) => /^(.*-worker)\.ts$/.exec(file.replaceAll('\\', '/'))?.[1] ?? []);
}

/** @param {string} entry */
function fileOf(entry) {
  return join(src, `${entry}.ts`);
}

/**
 * A module that is loaded later keeps its place; chunks stand apart.
 *
 * @param {{ readonly isDynamicEntry: boolean; readonly facadeModuleId?: string | null }} chunk
 */
function nameOf({ isDynamicEntry, facadeModuleId }) {
  return isDynamicEntry && facadeModuleId ? placeOf(facadeModuleId) : 'chunks/[name].js';
}

/** Path of a module in dist. @param {string} id */
function placeOf(id) {
  return relative(src, id).replaceAll('\\', '/').replace(/\.ts$/, '.js');
}

/**
 * @param {string} id
 * @param {ModuleGraph} graph
 */
function chunkOf(id, graph) {
  if (chunkById === undefined) {
    chunkById = new Map();
    for (const [chunk, files] of CHUNKS)
      for (const file of files) gather(fileOf(file), chunk, chunkById, graph);
    // An entry does something when it is loaded, and stays a file of its own.
    for (const entry of entries) chunkById.delete(fileOf(entry));
  }
  return chunkById.get(id) ?? null;
}

/**
 * @param {string} id
 * @param {string} chunk
 * @param {Map<string, string>} chunkById
 * @param {ModuleGraph} graph
 */
function gather(id, chunk, chunkById, graph) {
  if (!id.startsWith(src) || chunkById.has(id)) return;
  chunkById.set(id, chunk);
  for (const imported of graph.getModuleInfo(id)?.importedIds ?? [])
    gather(imported, chunk, chunkById, graph);
}

/** `import.meta.url` goes on saying where the module's own file would be, so that files are found relative to it. */
function keepAddresses() {
  return {
    name: 'keep-addresses',
    transform: {
      filter: { code: 'import.meta.url' },
      /** @param {string} code @param {string} id */
      handler: (code, id) => ({
        code: code.replaceAll('import.meta.url', `__address(${JSON.stringify(placeOf(id))})`),
        map: null,
      }),
    },
    /** @param {string} code @param {{ fileName: string }} chunk */
    renderChunk(code, { fileName }) {
      if (!code.includes('__address(')) return null;
      const address = (/** @type {string} */ place) => {
        const path = posix.relative(posix.dirname(fileName), place);
        // Where `import.meta.url` itself stands there, webpack looks for the file, and most of them are in a chunk.
        return `new URL(${JSON.stringify(path.startsWith('.') ? path : `./${path}`)}, String(import.meta.url)).href`;
      };
      return { code: code.replace(/__address\("([^"]+)"\)/g, (_, place) => address(place)), map: null };
    },
  };
}
