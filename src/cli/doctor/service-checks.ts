import { access, constants, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ServiceSpec, SpecOf } from '../../config/kind-schemas.js';
import { searchAddress } from '../../services/builtin/responses-provider.js';
import { type Check, fault, ok } from './check.js';
import { checkAddress, checkLocalModels, checkModelServer } from './endpoint-checks.js';
import { findProgram } from './find-program.js';

/** What the checks of services need to know. */
export interface ServiceCheckOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the configured addresses may be called. Files are looked at in any case; nothing is ever run. */
  readonly mayConnect: boolean;
}

/** Checks that what a service needs is there. Its own code is not run. */
export async function checkService(
  name: string,
  spec: ServiceSpec,
  options: ServiceCheckOptions,
): Promise<Check[]> {
  const { env, mayConnect } = options;
  const subject = `service ${name}`;
  const whenAllowed = async (check: () => Promise<Check>): Promise<Check[]> =>
    mayConnect ? [await check()] : [];
  switch (spec.kind) {
    case 'builtin':
      return checkBuiltin(subject, spec, options);
    case 'module': {
      const program = spec.execPath === undefined ? [] : [await checkProgram(subject, spec.execPath, env)];
      return [await checkModule(subject, spec.module), ...program];
    }
    case 'subprocess':
      return [await checkProgram(subject, spec.command, env), ...(await checkFolders(subject, [spec.cwd]))];
    case 'mcp': {
      const { command, url, cwd } = spec;
      if (command !== undefined) {
        return [await checkProgram(subject, command, env), ...(await checkFolders(subject, [cwd]))];
      }
      return whenAllowed(() => checkAddress(subject, url ?? ''));
    }
    case 'http':
      return whenAllowed(() => checkAddress(subject, spec.url));
    case 'openai':
      return whenAllowed(() => checkModelServer(subject, spec.baseURL, spec));
  }
}

async function checkBuiltin(
  subject: string,
  spec: SpecOf<'builtin'>,
  { mayConnect, env }: ServiceCheckOptions,
): Promise<Check[]> {
  switch (spec.name) {
    case 'vision': {
      const { model, roots = ['.'] } = spec;
      const eyes =
        model !== undefined && mayConnect ? [await checkModelServer(subject, model.baseURL, model)] : [];
      return [...(await checkFolders(subject, roots)), ...eyes];
    }
    case 'responses': {
      const search =
        spec.search !== undefined && mayConnect
          ? [await checkAddress(subject, searchAddress(spec.search))]
          : [];
      const browser =
        spec.browser === undefined ? [] : [await checkProgram(subject, spec.browser.command, env)];
      return [...(await checkFolders(subject, spec.roots ?? ['.'])), ...search, ...browser];
    }
    case 'reasoning':
      return [];
    case 'chat': {
      const { baseURL, model } = spec;
      if (baseURL === undefined) return [await checkLocalModels(subject, spec)];
      return mayConnect ? [await checkModelServer(subject, baseURL, { ...spec, model })] : [];
    }
  }
}

async function checkProgram(
  subject: string,
  command: string,
  env: ServiceCheckOptions['env'],
): Promise<Check> {
  const file = await findProgram(command, env);
  if (file !== null) return ok(subject, `runs ${file}`);
  const isPath = /[\\/]/.test(command);
  return isPath
    ? fault(subject, `${command} is no file that may be run`, 'mend the path, or chmod +x the file')
    : fault(subject, `"${command}" is not on PATH`, `install it, or write its whole path as "command"`);
}

async function checkModule(subject: string, module: string): Promise<Check> {
  if (module.startsWith('data:')) return ok(subject, 'is a module inside the configuration');
  const path = module.startsWith('file:') ? fileURLToPath(module) : module;
  const isFile = await stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
  return isFile
    ? ok(subject, `runs the module ${path}`)
    : fault(
        subject,
        `there is no module ${path}`,
        'mend "module"; it is meant from the folder of the configuration',
      );
}

async function checkFolders(subject: string, folders: readonly (string | undefined)[]): Promise<Check[]> {
  const checks = folders.map(async (folder): Promise<Check[]> => {
    if (folder === undefined) return [];
    try {
      if (!(await stat(folder)).isDirectory()) throw new Error('it is no folder');
      await access(folder, constants.R_OK | constants.X_OK);
      return [ok(subject, `may read ${folder}`)];
    } catch (cause) {
      const reason = (cause as Error).message;
      return [
        fault(
          subject,
          `the folder ${folder} cannot be read: ${reason}`,
          'mend "roots" or "cwd", or the rights of the folder',
        ),
      ];
    }
  });
  return (await Promise.all(checks)).flat();
}
