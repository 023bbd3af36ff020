import * as z from 'zod';
import { lazySchema } from '../../core/lazy-schema.js';

/** Version of the Playwright MCP server whose tools and snapshots are understood here. */
const PLAYWRIGHT_MCP = '@playwright/mcp@0.0.83';

/** How the browser is started: the Playwright MCP server as a child. */
export const browserSchema = lazySchema(() =>
  z.strictObject({
    command: z.string().min(1).default('npx').describe('Program that starts the Playwright MCP server.'),
    args: z
      .array(z.string())
      .readonly()
      .default(['-y', PLAYWRIGHT_MCP, '--headless', '--isolated'])
      .describe('Its arguments; where it writes, and the proxy that guards addresses, are added to them.'),
    env: z
      .record(z.string(), z.string())
      .default({})
      .describe(`Variables of its own; \${env:NAME} in a value stands for one of ours.`),
    connectTimeoutSeconds: z.number().positive().default(60).describe('Limit of its start, in seconds.'),
  }),
);
export type BrowserOptions = z.output<typeof browserSchema>;

const label = () => z.string().min(1).max(200);

/** One step in a page. */
export const browserStepSchema = lazySchema(() =>
  z.union([
    z.strictObject({ navigate: z.string().min(1).max(4000) }),
    z.strictObject({ click: label() }),
    z.strictObject({
      type: z.string().max(10_000),
      into: label().optional(),
      submit: z.boolean().optional(),
    }),
    z.strictObject({ press: z.string().regex(/^[A-Za-z0-9+]{1,40}$/, 'expected the name of a key') }),
    z.strictObject({ waitFor: label() }),
    z.strictObject({ screenshot: z.literal(true) }),
  ]),
);
export type BrowserStep = z.output<typeof browserStepSchema>;
