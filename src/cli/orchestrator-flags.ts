import { CONFIG_FLAG } from './config-file.js';
import type { Flags } from './flags.js';

/** Flags of every command that runs or routes tasks. They go before what the configuration file says. */
export const ORCHESTRATOR_FLAGS: Flags = {
  ...CONFIG_FLAG,
  root: {
    type: 'string',
    multiple: true,
    value: 'DIR',
    help: 'Folder whose files tasks may read; repeatable (default: the current one)',
  },
  'allow-host': {
    type: 'string',
    multiple: true,
    value: 'HOST:PORT',
    help: 'Local or private address that tasks may read pages from; repeatable',
  },
  threshold: { type: 'string', value: 'NUMBER', help: 'Least confidence of a match, 0 to 1 (default: 0.5)' },
  'max-parallel': { type: 'string', value: 'COUNT', help: 'Most attempts at once (default: 5)' },
  timeout: { type: 'string', value: 'SECONDS', help: 'Limit of one attempt (default: 300)' },
  tracing: {
    type: 'boolean',
    help: 'Make spans for the OpenTelemetry SDK that NODE_OPTIONS loads into this process',
  },
};
