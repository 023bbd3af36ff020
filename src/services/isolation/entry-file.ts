import { fileURLToPath } from 'node:url';

/** Run from source (tests, tsx) this file and the entries are TypeScript, and whoever starts them registers tsx first. */
const isSource = import.meta.url.endsWith('.ts');

/**
 * What `new Worker()` starts for a built entry file. From source it is a few lines that register tsx: `--import` among a
 * worker's `execArgv` has no effect on Node 20.
 *
 * @param builtEntry - The `.js` file beside the caller, made with `new URL('./x.js', import.meta.url)`.
 */
export function threadEntry(builtEntry: URL): URL {
  if (!isSource) return builtEntry;
  const tsx = addressOf('tsx/esm/api');
  const code = `import { register } from '${tsx}'; register(); await import('${sourceOf(builtEntry)}');`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

/** The arguments of `node` for a built entry file. */
export function processEntry(builtEntry: URL): string[] {
  if (!isSource) return [fileURLToPath(builtEntry)];
  return ['--import', addressOf('tsx'), fileURLToPath(sourceOf(builtEntry))];
}

/** Its parameter keeps bundlers from looking for tsx, which users do not have. */
function addressOf(module: string): string {
  return import.meta.resolve(module);
}

function sourceOf({ href }: URL): URL {
  return new URL(href.replace(/\.js$/, '.ts'));
}
