/** Programs that import the package, bundled by esbuild as they are deployed: what they weigh, and whether they run. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Runs a function and a tool of the MCP server that its argument names. */
const PROGRAM = `
  import { createOrchestrator, mcpService } from 'gaffr';
  const transport = { kind: 'stdio', command: process.execPath, args: [process.argv[2]] };
  const down = mcpService({ name: 'down', transport });
  const orchestrator = createOrchestrator({ services: { shout: (task) => task.toUpperCase(), down } });
  const shouted = await orchestrator.execute('hello', { service: 'shout' });
  const called = await orchestrator.execute('call it', { service: 'down', kwargs: { tool: 'ok', arguments: {} } });
  console.log(shouted.result, called.error ?? called.result.text);
  await orchestrator.close();
`;
const SERVER = fileURLToPath(new URL('../fixtures/servers/raw-mcp.mjs', import.meta.url));

/**
 * Each subpath can be bundled without the optional packages, and a bundled program works far from any package.
 *
 * @param {readonly string[]} subpaths
 * @param {string} folder - Where the package is installed.
 */
export async function bundleFaults(subpaths, folder) {
  const faults = [];
  for (const subpath of subpaths) {
    await bundledBytes(subpath, folder).catch(({ message }) =>
      faults.push(`${subpath} cannot be bundled: ${message}`),
    );
  }
  return faults.length > 0 ? faults : runFaults(folder);
}

/**
 * Size of all that a program consists of which imports a subpath.
 *
 * @param {string} subpath
 * @param {string} folder - Where the package is installed.
 */
export async function bundledBytes(subpath, folder) {
  const { outputFiles } = await bundle(`export * from '${subpath}';`, folder, {
    write: false,
    outdir: folder,
  });
  return outputFiles.reduce((sum, { contents }) => sum + contents.length, 0);
}

async function runFaults(folder) {
  const outdir = mkdtempSync(join(tmpdir(), 'gaffr-bundled-'));
  try {
    await bundle(PROGRAM, folder, { outdir, outExtension: { '.js': '.mjs' } });
    const args = [join(outdir, 'stdin.mjs'), SERVER];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      timeout: 60_000,
    });
    const isRight = status === 0 && stdout.trim() === 'HELLO ok';
    return isRight ? [] : [`a bundled program ended with ${status}: ${stdout}${stderr}`];
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

function bundle(contents, resolveDir, options) {
  return build({
    stdin: { contents, resolveDir },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
    ...options,
  });
}
