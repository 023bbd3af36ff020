import { UsageError } from './exit-code.js';
import type { Arguments } from './flags.js';

/**
 * Sees to it that a command got flags alone: a word that is ignored was meant as something.
 *
 * @throws UsageError that names the word.
 */
export function refuseWords({ positionals: [word] }: Arguments, command: string): void {
  if (word === undefined) return;
  const hint = word.endsWith('.json') ? `; name a configuration by --config ${word}` : '';
  throw new UsageError(`gaffr ${command} takes no argument, not "${word}"${hint}.`);
}

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
