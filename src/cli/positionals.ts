import { UsageError } from './exit-code.js';
import type { Arguments } from './flags.js';

/**
 * The tasks of a command line.
 *
 * @throws UsageError when one is empty.
 */
export function tasksOf({ positionals }: Arguments, command: string): readonly string[] {
  const at = positionals.indexOf('');
  if (at === -1) return positionals;
  throw new UsageError(`gaffr ${command} takes tasks in words, and task ${at + 1} is empty.`);
}
