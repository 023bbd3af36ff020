import { silentLog } from '../../src/core/environment.js';
import { createOrchestrator, type Orchestrator, type OrchestratorOptions } from '../../src/index.js';
import type { Frame, Hello } from '../../src/inspect/dashboard/overview.js';
import { type Dashboard, serveDashboard } from '../../src/inspect/dashboard/serve-dashboard.js';

export const TOKEN = 'a-token-of-twenty-nine-letters';

/** An orchestrator and its dashboard; both close with it. */
export interface Opened extends AsyncDisposable {
  readonly orchestrator: Orchestrator;
  readonly dashboard: Dashboard;
  /** Asks with the token. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  order(name: string, values?: unknown): Promise<Response>;
}

export async function openDashboard(
  options: OrchestratorOptions,
  over: Partial<Parameters<typeof serveDashboard>[1]> = {},
): Promise<Opened> {
  const orchestrator = createOrchestrator({ log: silentLog, ...options });
  const settings = { port: 0, token: TOKEN, version: '9.9.9', log: silentLog, ...over };
  const dashboard = await serveDashboard(orchestrator, settings);
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${dashboard.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${TOKEN}`, ...init.headers },
    });
  return {
    orchestrator,
    dashboard,
    ask,
    order: (name, values = {}) =>
      ask(`/api/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(values),
      }),
    async [Symbol.asyncDispose]() {
      await dashboard.close();
      await orchestrator.close({ drainSeconds: 0 });
    },
  };
}

/** Reads a feed; each call of the function waits for the next message. */
export function readFeed(response: Response): { next(): Promise<Hello | Frame>; stop(): Promise<void> } {
  if (response.body === null) throw new Error('The feed has no body.');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const messages: (Hello | Frame)[] = [];
  let rest = '';
  return {
    async next() {
      while (messages.length === 0) {
        const { done, value } = await reader.read();
        if (done) throw new Error('The feed ended.');
        const parts = (rest + value).split('\n\n');
        rest = parts.pop() ?? '';
        for (const part of parts) if (part.startsWith('data: ')) messages.push(JSON.parse(part.slice(6)));
      }
      return messages.shift() as Hello | Frame;
    },
    stop: () => reader.cancel(),
  };
}
