import type { FoundConfig } from '../../config/find-config.js';
import type { ConfigFile } from '../../config/schema.js';
import { messageOf } from '../../core/errors.js';
import { asConfigurationError, readConfigFile } from '../config-file.js';
import { ConfigurationError } from '../exit-code.js';
import { processRedactor } from '../process-redactor.js';
import { type Check, fault, ok } from './check.js';
import { checkConfig } from './config-checks.js';
import { checkInstallation } from './installation-checks.js';
import { checkService } from './service-checks.js';

/** What a diagnosis starts from. */
export interface DiagnosisOptions {
  readonly version: string;
  /** The configuration file to look at; null when there is none. */
  readonly found: FoundConfig | null;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Looks at the installation, the configuration file and everything that it needs. Runs nothing. */
export async function diagnose({ version, found, env }: DiagnosisOptions): Promise<readonly Check[]> {
  const installation = checkInstallation(version);
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
    const { checks, isTrusted } = await asConfigurationError(() => checkConfig(found, loaded, env));
    const services = await checkServices(loaded.specs, { env, mayConnect: isTrusted });
    const { routers, engine } = loaded.config;
    const others = isTrusted ? [...(await checkRouters(routers)), ...(await checkItsEngine(engine))] : [];
    return [...installation, ...checks, ...services, ...others].map(withoutSecrets);
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

/** What was learned, and the models that help with routing. */
async function checkRouters(routers: ConfigFile['routers']): Promise<Check[]> {
  const { learned, embedding, llm } = routers ?? {};
  const { checkModelServer } = await import('./endpoint-checks.js');
  const models = Object.entries({ embedding, llm }).flatMap(([name, model]) =>
    model === undefined ? [] : [checkModelServer(`router ${name}`, model.baseURL, model)],
  );
  return [...(learned === undefined ? [] : [await checkLearned(learned)]), ...(await Promise.all(models))];
}

async function checkLearned(path: string): Promise<Check> {
  const { LearnedStrategy } = await import('../../learning/learned-strategy.js');
  const strategy = new LearnedStrategy();
  try {
    await strategy.load(path);
    return ok('router learned', `${path} knows ${strategy.services.length} services`);
  } catch (cause) {
    return fault(
      'router learned',
      messageOf(cause),
      'mend "routers.learned", or save what was learned there',
    );
  }
}

async function checkItsEngine(engine: ConfigFile['engine']): Promise<Check[]> {
  const { checkEngine } = await import('./engine-checks.js');
  return checkEngine(engine);
}

/** Before a text is cut to the width of a terminal. */
function withoutSecrets(check: Check): Check {
  return processRedactor.value(check);
}
