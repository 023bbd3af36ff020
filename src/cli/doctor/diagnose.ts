import { findConfig } from '../../config/find-config.js';
import { readConfigFile } from '../config-file.js';
import { ConfigurationError } from '../exit-code.js';
import { processRedactor } from '../process-redactor.js';
import { type Check, fault, ok } from './check.js';
import { checkConfig } from './config-checks.js';
import { checkInstallation } from './installation-checks.js';
import { checkService } from './service-checks.js';

/** What a diagnosis starts from. */
export interface DiagnosisOptions {
  readonly version: string;
  /** The file of `--config`, if one was named. */
  readonly named: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
}

/** Looks at the installation, the configuration file and everything that its services need. Runs nothing. */
export async function diagnose({ version, named, env, folder }: DiagnosisOptions): Promise<readonly Check[]> {
  const installation = checkInstallation(version);
  const found = await findConfig({ named, env, folder });
  if (found === null) {
    const text = 'there is no file; the four built-in services are used as they are';
    const { specsOf } = await import('../../config/specs.js');
    return [
      ...installation,
      ok('configuration', text),
      ...(await checkServices(specsOf({}), { env, mayConnect: true })),
    ];
  }
  try {
    const loaded = await readConfigFile(found.file);
    const { checks, isTrusted } = await checkConfig(found, loaded, env);
    const services = await checkServices(loaded.specs, { env, mayConnect: isTrusted });
    return [...installation, ...checks, ...services].map(withoutSecrets);
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause;
    return [
      ...installation,
      fault('configuration', cause.message, 'mend the file, then run gaffr doctor again'),
    ];
  }
}

async function checkServices(
  specs: Awaited<ReturnType<typeof readConfigFile>>['specs'],
  options: Parameters<typeof checkService>[2],
): Promise<Check[]> {
  const checks = [...specs].map(([name, { spec }]) => checkService(name, spec, options));
  return (await Promise.all(checks)).flat();
}

/** Before a text is cut to the width of a terminal. */
function withoutSecrets(check: Check): Check {
  return processRedactor.value(check);
}
