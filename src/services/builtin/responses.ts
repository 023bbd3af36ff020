/** The built-in service `responses`: reads web pages, searches files, searches the web when a provider is configured. */

import * as z from 'zod';
import { OrchestratorError } from '../../core/errors.js';
import { lazySchema } from '../../core/lazy-schema.js';
import type { Service, ServiceContext } from '../../core/service.js';
import { FileRoots } from '../file-roots.js';
import type { GuardedFetch } from '../guarded-fetch.js';
import { needsInput, wrongArguments } from '../input-errors.js';
import { Lazy } from '../lazy.js';
import type { Browser, BrowserResult } from './responses-browser.js';
import { type BrowserStep, browserSchema, browserStepSchema } from './responses-browser-options.js';
import type { PassageIndex, PassageSearch } from './responses-files.js';
import { readIntent } from './responses-intent.js';
import type { PageReading } from './responses-page.js';
import { noSearchProvider, searchProviderSchema } from './responses-provider.js';
import type { WebHit, WebSearch } from './responses-web.js';

/** Options of {@link createResponsesService}. */
export const responsesOptionsSchema = lazySchema(() =>
  z.strictObject({
    roots: z
      .array(z.string().min(1))
      .min(1)
      .readonly()
      .default(['.'])
      .describe('Folders whose files are searched.'),
    allowPrivateHosts: z
      .array(z.string().min(1))
      .readonly()
      .default([])
      .describe('Hosts, or host:port, inside this machine or network whose pages may be read.'),
    search: searchProviderSchema.schema
      .optional()
      .describe('Where web searches go; without it there are none.'),
    browser: browserSchema.schema
      .optional()
      .describe(
        'Acts in pages (open, click, type, screenshot) with the Playwright MCP server; {} starts it with npx.',
      ),
    maxPageBytes: z
      .number()
      .int()
      .positive()
      .default(5 * 1024 * 1024)
      .describe('Largest page, in bytes.'),
    maxFiles: z.number().int().positive().default(5_000).describe('Most files that are searched.'),
    maxIndexedBytes: z
      .number()
      .int()
      .positive()
      .default(50 * 1024 * 1024)
      .describe('Most bytes of files that are searched.'),
    maxFileBytes: z
      .number()
      .int()
      .positive()
      .default(1024 * 1024)
      .describe('Files above this many bytes are left out of searches.'),
  }),
);
export type ResponsesOptions = z.input<typeof responsesOptionsSchema>;

/** What `responses` answers. Plain data. */
export type ResponsesResult =
  | PageReading
  | ({ readonly kind: 'files'; readonly query: string; readonly folder: string | null } & PassageSearch)
  | BrowserResult
  | { readonly kind: 'web'; readonly query: string; readonly hits: readonly WebHit[] };

const kwargsSchema = lazySchema(() =>
  z.strictObject({
    url: z.string().min(1).optional(),
    query: z.string().min(1).optional(),
    folder: z.string().min(1).optional(),
    limit: z.int().min(1).max(50).default(5),
    steps: z.array(browserStepSchema.schema).min(1).max(100).optional(),
    /** Put there by executeSubtasks for steps that depend on others. */
    dependencies: z.unknown().optional(),
  }),
);

/**
 * Creates the service `responses`.
 * - An address in the task, or `kwargs.url`: the page is read and answered as `{ url, kind, title, date, text, links }`.
 * - "Search my notes for …", or `kwargs.query` with `kwargs.folder`: passages of the text files under `roots`, each with
 *   file, lines, number and score; a folder in the task or `kwargs.folder` narrows the search. `kwargs.limit` (1 to 50, default 5).
 * - "Search the web for …": hits of the configured provider.
 * - With `browser` configured, steps in a page: "Open https://…, type "tea" into "Search" and click "Go"", or
 *   `kwargs.steps`; answered with what the page then shows, and screenshots.
 *
 * Fails with `NEEDS_INPUT`, `INVALID_INPUT` (`facts.reason` says why), `NOT_FOUND`, `OUTSIDE_ROOT`, `NO_SEARCH_PROVIDER`,
 * `NO_BROWSER`, `SERVICE_AUTH_REQUIRED`, `SERVICE_FAILED`.
 *
 * @example
 * createResponsesService({ roots: ['documents'], search: { provider: 'searxng', url: 'http://localhost:8888' } });
 */
export function createResponsesService(options: ResponsesOptions = {}): Service {
  const settings = responsesOptionsSchema.parse(options);
  const { allowPrivateHosts, maxPageBytes, search, browser } = settings;
  const roots = new FileRoots(settings);
  // Their libraries take 0.2 s to load: the first task that needs one pays for it, not the start.
  const tools: Tools = {
    roots,
    pages: new Lazy(async () => {
      const { GuardedFetch } = await import('../guarded-fetch.js');
      return new GuardedFetch({ allowPrivateHosts, maxBytes: maxPageBytes });
    }),
    index: new Lazy(async () => {
      const { PassageIndex } = await import('./responses-files.js');
      return new PassageIndex(roots, settings);
    }),
    web:
      search &&
      new Lazy(async () => {
        const { WebSearch } = await import('./responses-web.js');
        return new WebSearch(search);
      }),
    browser:
      browser &&
      new Lazy(async () => {
        const { Browser } = await import('./responses-browser.js');
        return new Browser(browser, allowPrivateHosts);
      }),
  };
  return {
    description:
      'Searches and reads: fetches a web page by its address and gives its text, finds passages in local notes and files, searches the web when a search server is configured.',
    capabilities: [
      'browse a web page and read its text',
      'search notes, documents and files in a folder',
      'search the web for information and latest news',
      'look things up online',
      'fetch a URL, article or JSON document',
    ],
    examples: [
      'Search the web for the release date of Node 24',
      'Search Google for latest news',
      'Browse https://example.com and give me the article',
      'Search my notes for the default timeout',
      'Find what the files in docs/ say about backups',
      'Read the page https://example.com/changelog.html',
      'Look up the opening hours online',
    ],
    idempotent: true,
    execute: (task, context) => answer(tools, task, context),
    close: async () => {
      await (await tools.pages.made)?.close();
      await (await tools.web?.made)?.close();
      await (await tools.browser?.made)?.close();
    },
  };
}

interface Tools {
  readonly roots: FileRoots;
  readonly pages: Lazy<GuardedFetch>;
  readonly index: Lazy<PassageIndex>;
  readonly web: Lazy<WebSearch> | undefined;
  readonly browser: Lazy<Browser> | undefined;
}

async function answer(tools: Tools, task: string, context: ServiceContext): Promise<ResponsesResult> {
  const { signal } = context;
  signal.throwIfAborted();
  const kwargs = kwargsSchema.safeParse(context.kwargs);
  if (!kwargs.success) throw wrongArguments('responses', new Error(z.prettifyError(kwargs.error)));
  const { limit } = kwargs.data;
  const intent = readIntent(task, kwargs.data);
  switch (intent.kind) {
    case 'page':
      return readPageAt(tools, intent.url, signal);
    case 'files':
      return searchFiles(tools, intent, { task, limit, signal });
    case 'web': {
      if (tools.web === undefined) throw noSearchProvider(intent.query);
      if (intent.query === '') throw needsQuery('the web');
      const web = await tools.web.get();
      return { kind: 'web', query: intent.query, hits: await web.search(intent.query, limit, signal) };
    }
    case 'browser': {
      if (tools.browser === undefined) throw noBrowser();
      const steps = kwargs.data.steps ?? (await stepsOf(task));
      return (await tools.browser.get()).act(steps, context);
    }
    case 'unclear':
      throw needsInput(
        'The task names no page and no search; give the address of a page ("Browse https://…"), or say what to search where ("Search my notes for …", "Search the web for …"), or pass kwargs.url or kwargs.query.',
      );
    default:
      return unreachable(intent);
  }
}

async function readPageAt({ pages }: Tools, url: string, signal: AbortSignal): Promise<ResponsesResult> {
  const [guarded, { readPage }] = await Promise.all([pages.get(), import('./responses-page.js')]);
  return readPage(await guarded.get(url, signal));
}

async function searchFiles(
  { roots, index }: Tools,
  { query, folder }: { readonly query: string; readonly folder: string | null },
  { task, limit, signal }: { readonly task: string; readonly limit: number; readonly signal: AbortSignal },
): Promise<ResponsesResult> {
  if (query === '')
    throw needsQuery(folder === null ? `the files in ${roots.names.join(', ')}` : `"${folder}"`);
  const within = folder === null ? null : (await roots.locate(folder)).realPath;
  const preferred = within === null ? (/\b(notes?|docs|documents?)\b/i.exec(task)?.[1] ?? null) : null;
  const passages = await index.get();
  const found = await passages.search(query, { within, limit, preferred, signal });
  return { kind: 'files', query, folder, ...found };
}

function needsQuery(where: string): Error {
  return needsInput(
    `The task does not say what to search for in ${where}; say "… for the default timeout", or pass kwargs.query.`,
  );
}

async function stepsOf(task: string): Promise<readonly BrowserStep[]> {
  const { readSteps } = await import('./responses-browser-steps.js');
  const read = readSteps(task);
  if ('steps' in read) return read.steps;
  throw needsInput(
    `This part of the task is not understood: ${read.unclear}. Say steps such as: open https://example.com, click "More", type "tea" into "Search", press enter, wait for "Results", take a screenshot; or pass kwargs.steps: [{ "navigate": "https://…" }, { "click": "More" }, { "type": "tea", "into": "Search" }, { "screenshot": true }].`,
    { unclear: read.unclear },
  );
}

function noBrowser(): Error {
  const message =
    'This task needs a browser to act in, and none is configured; set "browser" of "responses" to {} to start the Playwright MCP server (npx @playwright/mcp), or give the address of a page to read.';
  return new OrchestratorError('NO_BROWSER', message);
}

function unreachable(value: never): never {
  throw new Error(`unexpected ${JSON.stringify(value)}`);
}
