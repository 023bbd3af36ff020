/**
 * Acts in web pages with a real browser, through the Playwright MCP server.
 *
 * Owns: the server as a child, the proxy that guards its addresses, and the folder it writes into. The page stays open
 * from one task to the next. Talks to: the server's tools, of which only the harmless ones are offered.
 * - L1 one task acts at a time; further ones wait.
 * - L2 everything that the browser loads comes through the guarded proxy.
 * - L3 what a task did to a page is not done a second time by a later attempt of it.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrchestratorError } from '../../core/errors.js';
import type { ServiceContext } from '../../core/service.js';
import { checkedAddress, refusedAddress } from '../guarded-fetch.js';
import { GuardedProxy, hostAndPort } from '../guarded-proxy.js';
import { Lazy } from '../lazy.js';
import type { ToolAnswer } from '../mcp/call-tool.js';
import type { McpService } from '../mcp/downstream.js';
import { mcpService } from '../mcp/mcp-service.js';
import { withAbort } from '../with-abort.js';
import type { BrowserOptions, BrowserStep } from './responses-browser-options.js';
import { type PageState, stateOf, targetOf } from './responses-browser-snapshot.js';

/** What was done and what the page then shows. Plain data. */
export interface BrowserResult {
  readonly kind: 'browser';
  readonly url: string | null;
  readonly title: string | null;
  readonly steps: readonly BrowserStep[];
  /** The page as an assistive program would read it, as YAML; cut at 50,000 characters. */
  readonly text: string;
  /** Base64, in the order of the steps. */
  readonly screenshots?: readonly { readonly mimeType: string; readonly data: string }[];
}

/** Neither code in the page, nor files of this machine, nor what goes on elsewhere. */
const TOOLS = [
  'browser_navigate',
  'browser_snapshot',
  'browser_click',
  'browser_type',
  'browser_press_key',
  'browser_wait_for',
  'browser_take_screenshot',
];
const LONGEST_TEXT = 50_000;
/** Tasks that are remembered as having acted; the oldest goes first. */
const MOST_REMEMBERED = 10_000;

interface Session {
  readonly server: McpService;
  readonly proxy: GuardedProxy;
  readonly folder: string;
}

export class Browser {
  readonly #options: BrowserOptions;
  readonly #allowPrivateHosts: readonly string[];
  readonly #session = new Lazy(() => this.#open());
  readonly #acted = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: BrowserOptions, allowPrivateHosts: readonly string[]) {
    this.#options = options;
    this.#allowPrivateHosts = allowPrivateHosts;
  }

  /**
   * Takes the steps one after another; the first that fails ends the task.
   *
   * @throws OrchestratorError `INVALID_INPUT` (refused address, nothing on the page fits), `SERVICE_FAILED`, `CRASHED`
   */
  async act(steps: readonly BrowserStep[], context: ServiceContext): Promise<BrowserResult> {
    if (context.attempt > 1 && this.#acted.has(context.taskId)) throw notActedTwice();
    for (const step of steps) if ('navigate' in step) checkedAddress(step.navigate, step.navigate);
    const before = this.#turn;
    let done = () => {};
    this.#turn = new Promise<void>((resolve) => {
      done = resolve;
    });
    try {
      await withAbort(context.signal, before);
      return await this.#take(steps, await withAbort(context.signal, this.#session.get()), context);
    } finally {
      // A caller who left the line must not let the next one pass those before.
      void before.finally(done);
    }
  }

  async close(): Promise<void> {
    const session = await this.#session.made;
    if (session === undefined) return;
    await session.server.close?.();
    await session.proxy.close();
    await rm(session.folder, { recursive: true, force: true });
  }

  async #open(): Promise<Session> {
    const { command, args, env, connectTimeoutSeconds } = this.#options;
    const folder = await mkdtemp(join(tmpdir(), 'gaffr-browser-'));
    const proxy = new GuardedProxy({ allowPrivateHosts: this.#allowPrivateHosts });
    const own = ['--proxy-server', await proxy.listen(), '--output-dir', folder, '--block-service-workers'];
    const server = mcpService({
      name: 'the browser',
      transport: { kind: 'stdio', command, args: [...args, ...own], env, cwd: folder },
      tools: {
        allow: TOOLS,
        idempotent: ['browser_navigate', 'browser_wait_for', 'browser_take_screenshot'],
      },
      connectTimeoutSeconds,
    });
    return { server, proxy, folder };
  }

  async #take(
    steps: readonly BrowserStep[],
    session: Session,
    context: ServiceContext,
  ): Promise<BrowserResult> {
    const screenshots: { mimeType: string; data: string }[] = [];
    const call = (tool: string, args: object = {}): Promise<ToolAnswer> =>
      session.server.execute('', {
        taskId: context.taskId,
        attempt: context.attempt,
        deadline: context.deadline,
        idempotencyKey: null,
        traceparent: context.traceparent,
        kwargs: { tool, arguments: args },
        signal: context.signal,
        progress: () => {},
        log: context.log,
      }) as Promise<ToolAnswer>;
    const look = async (): Promise<PageState> => stateOf((await call('browser_snapshot')).text);
    for (const [at, step] of steps.entries()) {
      context.progress(at / steps.length, `step ${at + 1} of ${steps.length}`);
      if ('navigate' in step) await this.#navigate(step.navigate, session, call);
      else if ('waitFor' in step) await call('browser_wait_for', { text: step.waitFor });
      else if ('screenshot' in step)
        screenshots.push(...picturesIn(await call('browser_take_screenshot', { type: 'png', scale: 'css' })));
      else {
        const { snapshot } = 'press' in step ? { snapshot: '' } : await look();
        this.#remember(context.taskId);
        if ('press' in step) await call('browser_press_key', { key: step.press });
        else if ('click' in step) {
          await call('browser_click', {
            element: step.click,
            target: targetOf(snapshot, 'click', step.click),
          });
        } else {
          const { type: text, into, submit = false } = step;
          const target = targetOf(snapshot, 'type', into);
          await call('browser_type', { element: into ?? 'the field', target, text, submit });
        }
      }
    }
    const { url, title, snapshot } = await look();
    const { refused } = session.proxy;
    const place = url !== null && URL.canParse(url) ? hostAndPort(new URL(url)) : '';
    // A click may lead anywhere; what is shown then is the refusal of the proxy, or the browser's own page about it.
    const last = url?.startsWith('chrome-error:') ? [...refused].at(-1) : undefined;
    if (last !== undefined || refused.has(place)) throw refusedAddress(last ?? place);
    const pictures = screenshots.length === 0 ? {} : { screenshots };
    return { kind: 'browser', url, title, steps, text: snapshot.slice(0, LONGEST_TEXT), ...pictures };
  }

  async #navigate(
    address: string,
    { proxy }: Session,
    call: (tool: string, args: object) => Promise<ToolAnswer>,
  ): Promise<void> {
    const { href } = checkedAddress(address, address);
    proxy.refused.clear();
    try {
      await call('browser_navigate', { url: href });
    } catch (cause) {
      // The address itself, or where it redirects to.
      const [first] = proxy.refused;
      throw first === undefined ? cause : refusedAddress(first);
    }
  }

  #remember(taskId: string): void {
    if (this.#acted.size >= MOST_REMEMBERED) this.#acted.delete(this.#acted.values().next().value as string);
    this.#acted.add(taskId);
  }
}

function picturesIn({ content = [] }: ToolAnswer): { mimeType: string; data: string }[] {
  return content.flatMap((part) => {
    const { type, mimeType, data } = Object(part) as Readonly<Record<string, unknown>>;
    return type === 'image' && typeof mimeType === 'string' && typeof data === 'string'
      ? [{ mimeType, data }]
      : [];
  });
}

function notActedTwice(): OrchestratorError {
  const message =
    'An earlier attempt of this task acted in the page and got no answer; clicks and words may have had effects, so they are not repeated. Look at the page (a task "take a screenshot") and give the steps that are left.';
  return new OrchestratorError(
    'SERVICE_FAILED',
    message,
    { reason: 'not-repeated' },
    { retryable: false, isTransportFault: false },
  );
}
