/** One fault of a configuration file. */
export interface ConfigProblem {
  /** Where in the file's value: names of keys and indexes of lists. */
  readonly path: readonly (string | number)[];
  /** Counted from 1; null when the fault belongs to no line. */
  readonly line: number | null;
  /** What is wrong and what to do, without the place. Never holds a secret. */
  readonly message: string;
}

/** A configuration file that cannot be used, with everything that is wrong with it. The message is for people. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[], options: { readonly cause?: unknown } = {}) {
    super(textOf(file, problems), options);
    this.file = file;
    this.problems = problems;
  }
}

/** A path as people write it: `services.notes.keywords[0]`, `services["my notes"].url`. */
export function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[$\w-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

function textOf(file: string, problems: readonly ConfigProblem[]): string {
  const lines = problems.map(lineOf);
  return lines.length === 1
    ? `${file}: ${lines[0]}`
    : `${file} has ${lines.length} faults:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

function lineOf({ path, line, message }: ConfigProblem): string {
  const place = [...(line === null ? [] : [`line ${line}`]), ...(path.length === 0 ? [] : [pathText(path)])];
  return place.length === 0 ? message : `${place.join(', ')}: ${message}`;
}
