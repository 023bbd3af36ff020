import { nearest } from '../core/nearest.js';
import type { Command, CommandContext } from './command.js';
import { BusyError, ConfigurationError, EXIT, type ExitCode, UsageError } from './exit-code.js';
import { type Flags, parseFlags } from './flags.js';
import { commandHelp, programHelp } from './help.js';

/** Every command, in the order of the help; only the one that runs is loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./commands/serve.js')).serveCommand,
  run: async () => (await import('./commands/run.js')).runCommand,
  services: async () => (await import('./commands/services.js')).servicesCommand,
  tasks: async () => (await import('./commands/tasks.js')).tasksCommand,
  worker: async () => (await import('./commands/worker.js')).workerCommand,
  engine: async () => (await import('./commands/engine.js')).engineCommand,
  route: async () => (await import('./commands/route.js')).routeCommand,
  machines: async () => (await import('./commands/machines.js')).machinesCommand,
  dashboard: async () => (await import('./commands/dashboard.js')).dashboardCommand,
  replay: async () => (await import('./commands/replay.js')).replayCommand,
  top: async () => (await import('./commands/top.js')).topCommand,
  init: async () => (await import('./commands/init.js')).initCommand,
  trust: async () => (await import('./commands/trust.js')).trustCommand,
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand,
  demo: async () => (await import('./commands/demo.js')).demoCommand,
};

const HELP_FLAG: Flags = { help: { type: 'boolean', short: 'h', help: 'Show this help' } };

/**
 * Runs one command line. Faults of usage and configuration are told to people and become exit codes; anything else is
 * thrown.
 */
export async function runProgram(argv: readonly string[], context: CommandContext): Promise<ExitCode> {
  const { terminal, version } = context;
  const [name, ...rest] = argv;
  try {
    if (name === '--version' || name === '-v') return await say(version);
    if (name === '--help' || name === '-h' || name === 'help') return await say(await help());
    const command = await findCommand(name);
    const args = parseFlags(rest, { ...command.flags, ...HELP_FLAG });
    return args.isSet('help') ? await say(commandHelp(command)) : await command.run(args, context);
  } catch (cause) {
    if (cause instanceof UsageError) return refuse(cause.message, EXIT.usage);
    if (cause instanceof BusyError) return refuse(cause.message, EXIT.busy);
    if (cause instanceof ConfigurationError) return refuse(cause.message, EXIT.configuration);
    throw cause;
  }

  async function say(text: string): Promise<ExitCode> {
    await terminal.print(text);
    return EXIT.success;
  }

  function refuse(message: string, code: ExitCode): ExitCode {
    terminal.tell(code === EXIT.usage ? `${message}\nTry: gaffr --help` : message);
    return code;
  }
}

async function help(): Promise<string> {
  return programHelp(await Promise.all(Object.values(COMMANDS).map((load) => load())));
}

async function findCommand(name: string | undefined): Promise<Command> {
  const names = Object.keys(COMMANDS);
  if (name === undefined) throw new UsageError(`Name a command: ${names.join(', ')}.`);
  const load = names.includes(name) ? COMMANDS[name] : undefined;
  if (load !== undefined) return load();
  const meant = nearest(name, names);
  throw new UsageError(
    meant === undefined
      ? `There is no command "${name}"; known: ${names.join(', ')}.`
      : `There is no command "${name}". Did you mean "${meant}"?`,
  );
}
