import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What the page was at while it looked on. */
export interface PageReport {
  /** One every three seconds; `updates` counts from the beginning. */
  readonly samples: readonly {
    readonly atMs: number;
    readonly heapBytes: number;
    readonly nodes: number;
    readonly updates: number;
  }[];
  readonly faults: readonly string[];
}

/** A browser that looks at a page. */
export interface PageWatcher {
  /** Ends the browser. @throws Error when the page had a fault. */
  end(): Promise<PageReport>;
}

/** This file runs from out/bench/clients. */
const program = fileURLToPath(new URL('../../../test/browser/watch-page.mjs', import.meta.url));

/** Opens a page in Chromium, in another process, so that neither its memory nor its time counts as the server's. */
export async function watchPage(url: string): Promise<PageWatcher> {
  const child = spawn(process.execPath, [program, url], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done) throw new Error('The browser ended before it said anything.');
    // Installing a browser is told in words.
    return String(value).startsWith('{') ? JSON.parse(value as string) : next();
  };
  await next();
  return {
    async end() {
      child.stdin.end();
      const report = (await next()) as PageReport;
      if (report.faults.length > 0) throw new Error(`The page had faults: ${report.faults.join('; ')}`);
      return report;
    },
  };
}
