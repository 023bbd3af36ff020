/** Which values of a service's own options are secrets, and how they are kept out of what it says. */

import { Redactor } from '../core/redactor.js';
import { isSecretName } from '../core/secret-names.js';

/** `${env:NAME}`: whoever writes this does not want the value to be seen. */
const REFERENCE = /\$\{env:\w+\}/;
/** A header reads "Bearer abc": the secret alone is to be found as well, the word before it is none. */
const SCHEME = /^(?:Bearer|Basic|Token|ApiKey)$/i;

/** A redactor of variables or headers; see {@link addSecrets}. */
export function redactorOf(
  declared: Readonly<Record<string, string>>,
  resolved: Readonly<Record<string, string>> = declared,
): Redactor {
  const redactor = new Redactor();
  addSecrets(redactor, declared, resolved);
  return redactor;
}

/**
 * Adds the secrets among variables or headers.
 *
 * @param declared - As configured: which of them are secret is told by their names and by `${env:NAME}` in their values.
 * @param resolved - The same with references resolved.
 */
export function addSecrets(
  redactor: Redactor,
  declared: Readonly<Record<string, string>>,
  resolved: Readonly<Record<string, string>>,
): void {
  for (const [name, text] of Object.entries(declared)) {
    if (!isSecretName(name) && !REFERENCE.test(text)) continue;
    const value = resolved[name] ?? '';
    for (const part of [value, ...value.split(/\s+/)]) if (!SCHEME.test(part)) redactor.add(part);
  }
}
