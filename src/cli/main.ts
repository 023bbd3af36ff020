#!/usr/bin/env node
/** Starts the command line. It imports nothing before it knows that this Node can load it. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`gaffr needs Node 20.19 or newer; this is ${process.versions.node}.\n`);
  process.exit(3);
}
const { start } = await import('./start.js');
await start();
