import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf } from '../../core/errors.js';
import type { Command } from '../command.js';
import { ConfigurationError, EXIT, UsageError } from '../exit-code.js';
import { listenForStop } from '../stop-signals.js';
import { keepToken } from '../token-file.js';
import { DASHBOARD_PORT } from '../windows.js';

/** A file of this size takes some seconds to read, which is told, in bytes. */
const LARGE_BYTES = 50_000_000;

export const replayCommand: Command = {
  name: 'replay',
  summary: 'Show a recorded history on the page of the dashboard, at any moment of it',
  synopsis: 'FILE [flags]',
  flags: {
    port: {
      type: 'string',
      value: 'PORT',
      help: `Port of the page on 127.0.0.1; 0 takes a free one (default: ${DASHBOARD_PORT})`,
    },
    'keep-events': {
      type: 'string',
      value: 'N',
      help: 'Most facts that can be shown one by one, the latest of the file (default: 500000)',
    },
    'token-file': {
      type: 'string',
      value: 'FILE',
      help: 'File with the token; made when absent (default: gaffr/http-token in your state folder)',
    },
  },
  async run(args, { terminal, log, version }) {
    const [path, ...others] = args.positionals;
    if (path === undefined || others.length > 0) {
      throw new UsageError('gaffr replay takes one history file: that of --history or --flight-recorder.');
    }
    const port = args.number('port', { least: 0, most: 65_535, isWhole: true }) ?? DASHBOARD_PORT;
    const keepEvents = args.number('keep-events', { least: 1, most: 5_000_000, isWhole: true });
    const { readRecording } = await import('../../inspect/replay/read-recording.js');
    const size = await stat(path).then(
      (stats) => stats.size,
      () => 0,
    );
    if (size > LARGE_BYTES) terminal.tell(`reading ${path} (${Math.round(size / 1e6)} MB)`);
    const recording = await readRecording(path, keepEvents === undefined ? {} : { keepEvents }).catch(
      (cause) => {
        throw new ConfigurationError(`${path} cannot be shown: ${printable(messageOf(cause))}`, { cause });
      },
    );
    for (const notice of recording.notices) terminal.tell(notice);
    const { token, path: tokenPath } = await keepToken(args.text('token-file'));
    const { serveReplay } = await import('../../inspect/replay/serve-replay.js');
    const { serviceMachine: machine } = await import('../../machines/service.machine.js');
    const stop = listenForStop();
    try {
      const mayMove = port === DASHBOARD_PORT;
      const name = basename(path);
      const page = await serveReplay(recording, { port, mayMove, token, version, name, machine, log }).catch(
        (cause) => {
          throw new ConfigurationError(`The page cannot listen on port ${port}: ${messageOf(cause)}`, {
            cause,
          });
        },
      );
      // What is no terminal is often a log, which others may read.
      terminal.tell(
        terminal.isLive
          ? `replay: ${page.urlWithToken}`
          : `replay: ${page.url} (its token is in ${tokenPath})`,
      );
      await stop.first;
      await page.close();
      return EXIT.success;
    } finally {
      stop.dispose();
    }
  },
};

/** A reason may quote the file, which may hold what a terminal would obey. */
function printable(text: string): string {
  return text.replace(/(?!\n)\p{Control}/gu, '\uFFFD');
}
