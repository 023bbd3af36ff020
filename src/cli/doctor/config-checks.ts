import { pathText } from '../../config/config-error.js';
import type { FoundConfig } from '../../config/find-config.js';
import type { LoadedConfig } from '../../config/load-config.js';
import { missingVariables } from '../../config/references.js';
import { permissionLine, TrustStore } from '../../config/trust.js';
import { SHORTEST_SECRET } from '../../core/redactor.js';
import { type Check, fault, ok, warning } from './check.js';

/** A configuration as the doctor sees it: `isTrusted` says whether anything in it may be touched. */
export interface ConfigDiagnosis {
  readonly checks: readonly Check[];
  readonly isTrusted: boolean;
}

/** Checks what concerns the file as a whole: who chose it, what it was allowed, and its secrets. */
export async function checkConfig(
  { file, by }: FoundConfig,
  loaded: LoadedConfig,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ConfigDiagnosis> {
  const missing = await new TrustStore(env).missing(loaded);
  const trust =
    missing.length === 0
      ? ok('trust', loaded.permissions.length === 0 ? 'the file needs none' : 'all it asks for is allowed')
      : fault(
          'trust',
          `not allowed yet: ${missing.map(permissionLine).join(';')}`,
          `gaffr trust --config ${file}`,
        );
  const checks = [
    ok('configuration', `${file} (by ${by}), ${loaded.specs.size} services`),
    trust,
    ...checkVariables(loaded, env),
    ...checkLiterals(loaded, file),
  ];
  return { checks, isTrusted: missing.length === 0 };
}

function checkVariables(
  { variables, secrets }: LoadedConfig,
  env: Readonly<Record<string, string | undefined>>,
): Check[] {
  const unset = [...missingVariables(variables)].map(([name, places]) =>
    warning(`variable ${name}`, `is not set; ${places.join(', ')} uses a default`, `export ${name}=…`),
  );
  const names = new Set(variables.filter(({ isSet }) => isSet).map(({ name }) => name));
  const weak = [...names].flatMap((name) => {
    const value = env[name] ?? '';
    if (value === '') return [warning(`variable ${name}`, 'is set to nothing', `export ${name}=…`)];
    if (!secrets.includes(value) || value.length >= SHORTEST_SECRET) return [];
    const text = `is shorter than ${SHORTEST_SECRET} characters, so it cannot be kept out of messages`;
    return [warning(`variable ${name}`, text, 'use a longer secret')];
  });
  return [...unset, ...weak];
}

/** A secret in the file itself is everybody's who can read it. */
function checkLiterals({ literals, mode }: LoadedConfig, file: string): Check[] {
  if (literals.length === 0) return [];
  const places = [...new Set(literals.map(pathText))].join(', ');
  const canOthersRead = process.platform !== 'win32' && (mode & 0o044) !== 0;
  return [
    canOthersRead
      ? fault('secrets', `${places} hold secrets, and others can read the file`, `chmod 600 ${file}`)
      : warning(
          'secrets',
          `${places} hold secrets in the file itself`,
          `put them into variables and write \${env:NAME}`,
        ),
  ];
}
