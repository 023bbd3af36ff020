/**
 * The layer rules of src, as dependency-cruiser rules: which folder imports which, and which folder may use which
 * package. CONTRIBUTING.md shows the same table for people; `examples.mjs` proves that every rule bites.
 */
import { readFileSync } from 'node:fs';

/** Folder or file of src → what else of src it may import. A longer path goes before the folder that it lies in. */
const MAY_IMPORT = {
  core: [],
  strategies: ['core'],
  machines: ['core'],
  services: ['core'],
  learning: ['core', 'strategies', 'services'],
  actors: ['core', 'machines'],
  engines: ['core', 'actors'],
  config: ['core', 'strategies', 'services'],
  mcp: ['core'],
  inspect: ['core', 'actors'],
  adapters: ['core', 'services', 'mcp', 'orchestrator'],
  'adapters/mcp-v1': ['core', 'orchestrator', 'adapters', 'mcp'],
  orchestrator: ['core', 'strategies', 'machines', 'services', 'learning', 'actors', 'engines', 'config'],
  worker: ['core', 'engines', 'orchestrator'],
  index: [
    'core',
    'strategies',
    'machines',
    'services',
    'learning',
    'actors',
    'engines',
    'config',
    'orchestrator',
  ],
};

/** Folders that may import all of src. */
const ABOVE_ALL = ['cli'];

/** Folder of src → the packages that it may use and no others; Node's own modules count as packages. */
const ONLY_PACKAGES = {
  core: ['zod'],
  strategies: ['stemmer'],
  machines: ['xstate'],
  actors: ['xstate', 'eventemitter3', 'util'],
};

/** Packages that only some folders of src may use. */
const ONLY_FOLDERS = [
  {
    name: 'xstate',
    packages: ['xstate'],
    folders: [
      'machines',
      'actors',
      'inspect',
      'adapters/xstate',
      'adapters/xstate-actor',
      'adapters/xstate-messages',
      'adapters/xstate-snapshot',
    ],
  },
  {
    name: 'zod',
    packages: ['zod'],
    folders: ['core', 'services', 'config', 'mcp', 'adapters', ...ABOVE_ALL],
  },
  {
    name: 'mcp-sdk',
    packages: ['@modelcontextprotocol'],
    folders: ['mcp', 'services/mcp', 'adapters/mcp-v1', ...ABOVE_ALL],
  },
  { name: 'restate', packages: ['@restatedev'], folders: ['engines/restate'] },
  { name: 'libsql', packages: ['libsql'], folders: ['engines/journal'] },
];

/** Patterns of the files that something outside src starts with: the public names, the command, subpaths, threads, scripts. */
const ENTRIES = [
  '^src/index\\.ts$',
  '^src/worker\\.ts$',
  '^src/mcp/index\\.ts$',
  '^src/inspect/telemetry\\.ts$',
  '^src/cli/main\\.ts$',
  '^src/adapters/',
  '^src/config/json-schema\\.ts$',
  '^src/inspect/page/(main|stately)\\.js$',
  '-worker\\.ts$',
];

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const optionalPackages = Object.keys({ ...manifest.optionalDependencies, ...manifest.peerDependencies });

export const rules = [
  ...Object.entries(MAY_IMPORT).map(([place, targets]) => ({
    name: `layer-${place.replace('/', '-')}`,
    comment: `src/${place} imports ${targets.length === 0 ? 'no other folder' : `only ${targets.join(', ')}`}.`,
    from: {
      path: at([place]),
      pathNot: at(Object.keys(MAY_IMPORT).filter((it) => it.startsWith(`${place}/`))),
    },
    to: { path: '^src/', pathNot: at([place, ...targets]) },
  })),
  ...Object.entries(ONLY_PACKAGES).map(([folder, packages]) => ({
    name: `packages-${folder}`,
    comment: `src/${folder} uses no package but ${packages.join(', ')}.`,
    from: { path: at([folder]) },
    to: { pathNot: ['^src/', ...ofPackages(packages)] },
  })),
  ...ONLY_FOLDERS.map(({ name, packages, folders }) => ({
    name: `only-for-${name}`,
    comment: `${packages.join(', ')} is used only in ${folders.map((it) => `src/${it}`).join(', ')}.`,
    from: { path: '^src/', pathNot: at(folders) },
    to: { path: ofPackages(packages) },
  })),
  {
    name: 'inspect-types-only',
    comment: 'src/inspect imports types of src/actors, never their code.',
    from: { path: at(['inspect']) },
    to: { path: at(['actors']), dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'no-static-optional',
    comment: 'A package that may be absent is imported lazily, by await import(). Its types may be imported.',
    from: { path: '^src/' },
    to: { path: ofPackages(optionalPackages), dynamic: false, dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'no-cycle',
    // Between folders the table allows no circle of any kind; in a folder, two classes may know each other's types.
    comment: 'Files do not load each other in a circle.',
    from: { path: '^src/' },
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'no-orphan',
    comment:
      'Every file is reached from the public names, the command line, an adapter or a thread (*-worker.ts).',
    from: { path: ENTRIES },
    to: { path: '^src/', pathNot: ENTRIES, reachable: false },
  },
  {
    name: 'no-missing-file',
    comment: 'An imported file of src exists.',
    from: { path: '^src/' },
    to: { path: '^(\\.|src/)', couldNotResolve: true },
  },
  {
    name: 'no-unknown-folder',
    comment: 'Every folder of src has a line in the table of layers.',
    from: {},
    to: { path: '^src/', pathNot: at([...Object.keys(MAY_IMPORT), ...ABOVE_ALL]) },
  },
].map((rule) => ({ severity: 'error', ...rule }));

/** Patterns of the files of places in src: a folder, or a file without its ending. */
function at(places) {
  return places.map((place) => `^src/${place}(/|\\.ts$)`);
}

/** Patterns of packages or scopes, whether installed (a path) or not (the bare name). */
function ofPackages(names) {
  return names.map((name) => `(^|node_modules/)${name.replaceAll('.', '\\.')}(/|$)`);
}
