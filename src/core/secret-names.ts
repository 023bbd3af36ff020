/** Names of fields, headers and variables whose values nobody else should see. */
const SECRET_NAME =
  /key|token|secret|pass(w|phrase|code|_|$)|pwd|credential|cookie|authori[sz]ation|(^|[-_])auth($|[-_])|bearer|private|signature|session|dsn$|conn(ection)?_?str/i;

/** Names that only sound like it. */
const PLAIN_NAME = /^(keywords?|max_?tokens|monkey.*|idempotency-?key|tokeni[sz]er.*)$/i;

/** Whether a field, header or variable of this name holds a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !PLAIN_NAME.test(name);
}
