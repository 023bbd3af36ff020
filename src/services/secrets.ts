/** Keeps the secrets of a service out of what it says. */

import { OrchestratorError } from '../core/errors.js';

/** Names of variables and headers whose values are secrets. */
const SECRET_NAME =
  /key|token|secret|passw|passphrase|credential|auth|cookie|session|private|dsn|connection_?string/i;
/** `${env:NAME}`: whoever writes this does not want the value to be seen. */
const REFERENCE = /\$\{env:\w+\}/;
/** Shorter values are no secrets, and blacking them out would spoil ordinary words. */
const SHORTEST_SECRET = 6;
/** Results deeper than that are left as they are. */
const DEEPEST = 64;

/** Blacks out the secrets of one service. */
export interface Redactor {
  text(text: string): string;
  /** A copy of plain data with every string blacked out; the same value when there is nothing to black out. */
  value(value: unknown): unknown;
  /** The same error with its message and facts blacked out. Its cause, which may repeat them, is dropped. */
  error(error: OrchestratorError): OrchestratorError;
}

/**
 * @param declared - Variables or headers as configured: which of them are secret is told by their names and by
 * `${env:NAME}` in their values.
 * @param resolved - The same with references resolved.
 */
export function secretsOf(
  declared: Readonly<Record<string, string>>,
  resolved: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(declared)
    .filter(([name, value]) => SECRET_NAME.test(name) || REFERENCE.test(value))
    .flatMap(([name]) => {
      const value = resolved[name] ?? '';
      // A header reads "Bearer <secret>": the secret alone is to be found as well.
      return [value, ...value.split(/\s+/)];
    });
}

/** Makes a {@link Redactor} of secret values. */
export function redactorOf(secrets: readonly string[]): Redactor {
  // The longest first, so that one which contains another is blacked out whole.
  const values = [...new Set(secrets)]
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length);
  const text = (plain: string): string =>
    values.reduce((redacted, secret) => redacted.replaceAll(secret, '***'), plain);
  const value = (plain: unknown): unknown => (values.length === 0 ? plain : redact(plain, text, DEEPEST));
  return {
    text,
    value,
    error(error) {
      const message = text(error.message);
      const facts = value(error.facts) as OrchestratorError['facts'];
      if (values.length === 0) return error;
      const { code, retryable, isTransportFault, isRepeatSafe } = error;
      return new OrchestratorError(code, message, facts, { retryable, isTransportFault, isRepeatSafe });
    },
  };
}

function redact(value: unknown, text: (plain: string) => string, depth: number): unknown {
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object' || value === null || depth === 0) return value;
  if (Array.isArray(value)) return value.map((item) => redact(item, text, depth - 1));
  const entries = Object.entries(value).map(([key, item]) => [text(key), redact(item, text, depth - 1)]);
  return Object.fromEntries(entries);
}
