import { writeJson } from '../core/safe-json.js';
import type { Flags } from './flags.js';

/** The flag that makes a command print JSON and nothing else on stdout. */
export const JSON_FLAG: Flags = {
  json: { type: 'boolean', help: 'Print JSON on stdout and nothing else' },
};

/** JSON for scripts and people: indented by two spaces. */
export function toJsonText(value: unknown): string {
  const written = writeJson(value, Number.POSITIVE_INFINITY);
  return JSON.stringify(written.kind === 'json' ? JSON.parse(written.json) : null, null, 2);
}
