/** Finds Chromium, and installs Debian's where there is none and this may be done. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A headless browser that calls nobody by itself. */
export async function openBrowser() {
  return chromium.launch({
    executablePath: pathOfChromium(),
    args: [
      // The sandbox of Chromium does not start for root.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

function pathOfChromium() {
  const path = process.env.CHROMIUM ?? PATHS.find((it) => existsSync(it));
  if (path !== undefined) return path;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error('There is no Chromium here; install it, or name its program in CHROMIUM.');
  }
  console.log('installing chromium (apt-get)');
  execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
  execFileSync(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'],
    {
      stdio: 'inherit',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    },
  );
  return '/usr/bin/chromium';
}
