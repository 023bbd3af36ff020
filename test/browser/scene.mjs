/** A crew for the page to show: quick and slow services, one that fails now and then, and one that can be broken. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createOrchestrator, ExecutionConfig } from '../../dist/index.js';
import { serveDashboard } from '../../dist/inspect/dashboard/serve-dashboard.js';

export const TOKEN = 'a-token-for-the-browser-test';

const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };

/**
 * @param {object} [options]
 * @param {number} [options.pace] - How long tasks take, as a factor of the usual.
 */
export async function openScene({ pace = 1 } = {}) {
  let isBroken = false;
  let seed = 7;
  const random = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 2147483648;
  };
  const work = async (ms, { signal }) => {
    await sleep(ms * pace * (0.5 + random()), undefined, { signal });
  };
  const orchestrator = createOrchestrator({
    services: {
      chat: {
        description: 'Answers questions in words',
        keywords: ['explain', 'write', 'chat'],
        execute: async (task, context) => {
          await work(60, context);
          return `An answer to: ${task}`;
        },
      },
      vision: {
        description: 'Reads text from pictures and documents',
        keywords: ['extract', 'scan', 'picture'],
        concurrency: 3,
        execute: async (_task, context) => {
          await work(260, context);
          return { text: 'Invoice 2041\nTotal 418.00 EUR', pages: 2 };
        },
      },
      reasoning: {
        description: 'Solves equations and logic puzzles',
        keywords: ['solve', 'prove', 'calculate'],
        concurrency: 2,
        execute: async (_task, context) => {
          await work(140, context);
          if (random() < 0.35) throw new Error('the solver lost its way');
          return { x: 42 };
        },
      },
      responses: {
        description: 'Searches files and pages',
        keywords: ['search', 'find', 'browse'],
        concurrency: 4,
        execute: async (_task, context) => {
          await work(90, context);
          if (isBroken) {
            throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9200'), { code: 'ECONNREFUSED' });
          }
          return ['notes.md', 'plan.md'];
        },
      },
    },
    config: ExecutionConfig.create({
      maxParallel: 8,
      fallbackService: 'chat',
      backoffBaseSeconds: 0.2 * pace,
      backoffCapSeconds: 1,
      circuitCooldownSeconds: 30,
    }),
    log,
  });
  const dashboard = await serveDashboard(orchestrator, { port: 0, token: TOKEN, version: '0.1.0', log });
  return {
    orchestrator,
    dashboard,
    /** Breaks the service `responses`, or mends it. */
    set isBroken(value) {
      isBroken = value;
    },
    async close() {
      await dashboard.close();
      await orchestrator.close({ drainSeconds: 0 });
    },
  };
}

const TEXTS = [
  'Extract the text from invoice-2041.pdf',
  'Explain the second law of thermodynamics to a child',
  'Solve 3x + 7 = 133',
  'Search the notes for the plan of March',
  'Write a short poem about supervisors',
  'Scan the picture of the whiteboard',
  'Prove that the sum of two odd numbers is even',
  'Find every page that names the budget',
];

/** The texts of so many tasks, over and over. */
export function textsOf(count) {
  return Array.from({ length: count }, (_, index) => `${TEXTS[index % TEXTS.length]} (${index + 1})`);
}
