import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SERVER = fileURLToPath(new URL('./server.ts', import.meta.url));
const KEPT_STDERR_CHARS = 20_000;

/** A server process for fuzzing and draining. */
export class ServerProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** The end of what it wrote on stderr. */
  stderr = '';
  /** Its exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  hasEnded = false;

  constructor(...flags: string[]) {
    const args = ['--no-warnings', '--import', 'tsx', SERVER, ...flags];
    this.child = spawn(process.execPath, args, { stdio: 'pipe' });
    this.child.stdin.on('error', () => {});
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr = `${this.stderr}${text}`.slice(-KEPT_STDERR_CHARS);
    });
    this.exited = once(this.child, 'close').then(([code, signal]) => {
      this.hasEnded = true;
      return code ?? signal;
    });
  }

  /** The port of a server over HTTP, once it listens. */
  async port(): Promise<number> {
    for (;;) {
      const [, port] = /127\.0\.0\.1:(\d+)\/mcp/.exec(this.stderr) ?? [];
      if (port !== undefined) return Number(port);
      await Promise.race([once(this.child.stderr, 'data'), this.exited]);
      if (this.hasEnded) throw new Error(`the server did not start:\n${this.stderr}`);
    }
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
