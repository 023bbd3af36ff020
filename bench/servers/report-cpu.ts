/** Loaded with `--import` into a server under test: tells its CPU time on stderr when it gets a SIGUSR2. */
import { writeSync } from 'node:fs';

const STDERR = 2;

process.on('SIGUSR2', () => {
  const { user, system } = process.cpuUsage();
  writeSync(STDERR, `cpu ${user + system}\n`);
});
