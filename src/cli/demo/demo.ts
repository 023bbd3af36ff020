import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { openStdioClient, type StdioClient } from '../../mcp/stdio-client.js';
import type { WireResult } from '../../mcp/tools/task-result.schema.js';
import { ConfigurationError } from '../exit-code.js';
import { type DemoTask, demoTasks } from './demo-tasks.js';
import { judge, type Verdict } from './judge.js';
import { servePage } from './page-server.js';

/** One task of the demo and what became of it. */
export interface DemoOutcome {
  readonly task: DemoTask;
  readonly result: WireResult;
  readonly verdict: Verdict;
}

/** What the demo saw. */
export interface DemoReport {
  readonly protocolVersion: string;
  readonly tools: readonly string[];
  readonly outcomes: readonly DemoOutcome[];
  /** Seconds from the start of the server to the last answer. */
  readonly seconds: number;
}

/** What the demo needs. */
export interface DemoOptions {
  readonly version: string;
  readonly onProgress: (fraction: number, message: string | undefined) => void;
}

/** How long all tasks together may take, in seconds: OCR and the solver load their packages first. */
const TIMEOUT_SECONDS = 180;

const EXAMPLES = new URL('../../../examples/', import.meta.url);
const MAIN = new URL('../main.js', import.meta.url);

/**
 * Starts the real server as a child, connects the official client, and sends every task of the demo through
 * `executeParallel`.
 *
 * @throws ConfigurationError when the example files are not there, which come with the package.
 */
export async function runDemo({ version, onProgress }: DemoOptions): Promise<DemoReport> {
  const page = await servePage(await readPage());
  try {
    const startedAt = performance.now();
    const client = await openStdioClient('gaffr-demo', version, {
      command: process.execPath,
      args: [
        fileURLToPath(MAIN),
        'serve',
        '--no-config',
        '--root',
        fileURLToPath(EXAMPLES),
        '--allow-host',
        page.host,
      ],
    });
    try {
      const tools = await client.listTools();
      const outcomes = await runTasks(client, demoTasks(page.url), onProgress);
      const seconds = (performance.now() - startedAt) / 1000;
      return { protocolVersion: client.protocolVersion, tools, outcomes, seconds };
    } finally {
      await client.close();
    }
  } finally {
    page.close();
  }
}

async function readPage(): Promise<string> {
  const path = fileURLToPath(EXAMPLES);
  const isThere = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isThere) {
    throw new ConfigurationError(
      `The demo needs the example files, which are not at ${path}; install gaffr again.`,
    );
  }
  return readFile(new URL('page.html', EXAMPLES), 'utf8');
}

async function runTasks(
  client: StdioClient,
  tasks: readonly DemoTask[],
  onProgress: DemoOptions['onProgress'],
): Promise<DemoOutcome[]> {
  const args = { tasks: tasks.map(({ task }) => task), maxParallel: Math.max(2, availableParallelism()) };
  const answer = await client.callTool('executeParallel', args, {
    timeoutSeconds: TIMEOUT_SECONDS,
    onProgress,
  });
  const { results } = answer.structuredContent as { readonly results: readonly WireResult[] };
  const outcomes: DemoOutcome[] = [];
  for (const [index, task] of tasks.entries()) {
    const first = results[index] as WireResult;
    const result = hasRunOutOfTime(first) ? await runAlone(client, task) : first;
    outcomes.push({ task, result, verdict: judge(task, result) });
  }
  return outcomes;
}

/** The solver's limit is in seconds of the wall clock, which OCR beside it can use up on a small machine. */
function hasRunOutOfTime({ result }: WireResult): boolean {
  return typeof result === 'object' && result !== null && 'status' in result && result.status === 'unknown';
}

async function runAlone(client: StdioClient, { task }: DemoTask): Promise<WireResult> {
  const answer = await client.callTool('execute', { task }, { timeoutSeconds: TIMEOUT_SECONDS });
  return answer.structuredContent as WireResult;
}
