import { OrchestratorError } from '../core/errors.js';

/** Variables of this process that a child sees unless told otherwise. */
const INHERITED_VARIABLES: readonly string[] = ['PATH', 'HOME', 'LANG', 'TMPDIR'];

/** What a child may see of the environment. */
export interface ChildEnvironment {
  /** Variables of its own. `${env:NAME}` in a value stands for a variable of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Names of the variables it gets from this process. Default: PATH, HOME, LANG, TMPDIR. */
  readonly inheritEnv?: readonly string[] | undefined;
}

/**
 * The whole environment of a child: an allow-list and what is declared, nothing else. Read at each call, so that secrets
 * are looked up as late as possible and kept nowhere.
 *
 * @throws OrchestratorError `SERVICE_UNAVAILABLE` naming a variable that `${env:NAME}` asks for and that is not set.
 */
export function childEnvironment({
  env = {},
  inheritEnv = INHERITED_VARIABLES,
}: ChildEnvironment): Record<string, string> {
  const inherited = inheritEnv.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries([...inherited, ...Object.entries(resolveAll(env))]);
}

/**
 * Variables or headers with each `${env:NAME}` in their values replaced.
 *
 * @throws OrchestratorError as {@link childEnvironment} does.
 */
export function resolveAll(declared: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(declared).map(([name, value]) => [name, resolveReferences(name, value)]),
  );
}

function resolveReferences(name: string, text: string): string {
  return text.replace(/\$\{env:(\w+)\}/g, (_reference, wanted: string) => {
    const value = process.env[wanted];
    if (value !== undefined) return value;
    const message = `The variable ${wanted}, which "${name}" of a service refers to, is not set; set it and start again.`;
    throw new OrchestratorError('SERVICE_UNAVAILABLE', message, { variable: wanted }, { retryable: false });
  });
}
