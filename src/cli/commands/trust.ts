import { realpath } from 'node:fs/promises';
import type { Permission } from '../../config/permissions.js';
import type { Command } from '../command.js';
import { asConfigurationError, CONFIG_FLAG, findConfigFile, readConfigFile } from '../config-file.js';
import { ConfigurationError, EXIT, UsageError } from '../exit-code.js';
import { JSON_FLAG, toJsonText } from '../json-output.js';

export const trustCommand: Command = {
  name: 'trust',
  summary: 'Show what the configuration file makes gaffr run, reach and read, and allow it',
  synopsis: '[flags]',
  flags: {
    ...CONFIG_FLAG,
    yes: { type: 'boolean', help: 'Allow it without asking, for scripts' },
    revoke: { type: 'boolean', help: 'Take back what the file was allowed' },
    ...JSON_FLAG,
  },
  async run(args, { terminal }) {
    if (args.positionals.length > 0)
      throw new UsageError('gaffr trust takes no file; name it by --config FILE.');
    const found = await findConfigFile(args);
    if (found === null) throw new ConfigurationError('There is no gaffr.config.json; gaffr init writes one.');
    const { permissionLine, TrustStore } = await import('../../config/trust.js');
    const store = new TrustStore(process.env);
    if (args.isSet('revoke')) {
      // A file that is wrong, or gone, must lose its permissions too.
      const file = await realpath(found.file).catch(() => found.file);
      await asConfigurationError(() => store.revoke(file));
      terminal.tell(`${file} is trusted no longer.`);
      return EXIT.success;
    }
    const loaded = await readConfigFile(found.file);
    const missing = await asConfigurationError(() => store.missing(loaded));
    await terminal.print(
      args.isSet('json')
        ? toJsonText({ file: loaded.file, permissions: loaded.permissions.map(wireOf(missing)) })
        : describe(loaded.file, loaded.permissions, missing, permissionLine),
    );
    if (missing.length === 0) return EXIT.success;
    const answer = args.isSet('yes')
      ? 'yes'
      : await terminal.ask(`Allow all of this for ${loaded.file}? [y/N]`);
    if (answer === null) {
      throw new ConfigurationError('Nobody is there to be asked; gaffr trust --yes allows it.');
    }
    if (!/^y(es)?$/i.test(answer.trim())) {
      terminal.tell('Nothing was allowed.');
      return EXIT.configuration;
    }
    await asConfigurationError(() => store.grant(loaded, Date.now()));
    terminal.tell(`Allowed; remembered in ${store.file}.`);
    return EXIT.success;
  },
};

function describe(
  file: string,
  permissions: readonly Permission[],
  missing: readonly Permission[],
  lineOf: (permission: Permission) => string,
): string {
  if (permissions.length === 0) return `${file} needs no permission: it runs nothing and reaches nobody.`;
  const lines = permissions.map((each) => `${missing.includes(each) ? '*' : ' '}${lineOf(each)}`);
  const ending = missing.length === 0 ? 'All of it is allowed already.' : '* is not allowed yet.';
  return [`${file} makes gaffr`, ...lines, ending].join('\n');
}

function wireOf(missing: readonly Permission[]) {
  return (permission: Permission) => {
    const { kind, service, text } = permission;
    return { kind, service, text, isAllowed: !missing.includes(permission) };
  };
}
