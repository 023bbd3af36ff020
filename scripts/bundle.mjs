/**
 * Makes out/gaffr.mcpb, the bundle that Claude Desktop installs by a double click: the built server with its packages and
 * a manifest. Needs a build and the packages of test/bundle.
 *
 * As a command: `npm run bundle`, which also checks the bundle.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TOOLS } from '../src/mcp/tools/tool-table.ts';
import { isMain, root, run, runSteps, say } from './run.mjs';

/** What the bundle holds of the checkout, beside the folder `bundle`. */
const CONTENTS = ['dist', 'package.json', 'package-lock.json', '.npmrc', 'LICENSE', 'gaffr.schema.json'];

/** The manifest of the bundle: bundle/manifest.json with what is known elsewhere. */
export function manifest() {
  const { version, description, engines } = readJson('package.json');
  const template = readJson('bundle/manifest.json');
  return {
    ...template,
    version,
    description,
    tools: TOOLS.map(({ name, description }) => ({ name, description })),
    compatibility: { ...template.compatibility, runtimes: engines },
  };
}

function makeBundle() {
  const stage = join(root, 'out', 'bundle');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  cpSync(join(root, 'bundle'), stage, { recursive: true });
  for (const path of CONTENTS) cpSync(join(root, path), join(stage, path), { recursive: true });
  writeFileSync(join(stage, 'manifest.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
  say('installing the packages of the bundle (npm ci)');
  // The optional ones too: they are what reads scans and solves equations, and run on every platform.
  const omit = ['--omit=dev', '--omit=peer', '--include=optional'];
  run(['npm', 'ci', ...omit, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], stage);
  const mcpb = join(root, 'test', 'bundle', 'node_modules', '@anthropic-ai', 'mcpb', 'dist', 'cli', 'cli.js');
  const file = join(root, 'out', 'gaffr.mcpb');
  run([process.execPath, mcpb, 'validate', join(stage, 'manifest.json')], root);
  run([process.execPath, mcpb, 'pack', stage, file], root);
  say(`made ${file}, ${(statSync(file).size / 1e6).toFixed(1)} MB`);
}

/** @param {string} path */
function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

if (isMain(import.meta.url)) runSteps(makeBundle);
