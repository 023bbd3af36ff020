import * as z from 'zod';
import { lazySchema } from './lazy-schema.js';
import { wholeLimit } from './limit-schema.js';

const seconds = () => z.number().positive();

/** Tasks live in this process. */
const localEngineSchema = lazySchema(() => z.strictObject({ kind: z.literal('local') }));

/** Tasks are recorded in a file before they are accepted. */
const journalEngineSchema = lazySchema(() =>
  z.strictObject({
    kind: z.literal('journal'),
    path: z
      .string()
      .min(1)
      .describe('File of the journal. One process at a time uses it; it is made when there is none.'),
    synchronous: z
      .enum(['full', 'normal'])
      .default('full')
      .describe(
        'full: what was accepted survives a power failure. normal: only the end of the process; faster on slow disks.',
      ),
    keepSeconds: seconds()
      .default(3600)
      .describe('How long a completed or cancelled task is kept, in seconds.'),
    keepTasks: wholeLimit()
      .default(10_000)
      .describe('Most completed or cancelled tasks that are kept; the oldest go.'),
    keepFailedSeconds: seconds()
      .default(604_800)
      .describe('How long a task that failed is kept for another try, in seconds.'),
    keepFailedTasks: wholeLimit().default(10_000).describe('Most failed tasks that are kept; the oldest go.'),
    maxBytes: wholeLimit()
      .default(4 * 1024 ** 3)
      .describe('Largest size of the file, in bytes; beyond it new tasks are refused with JOURNAL_FULL.'),
    maxRecordBytes: z
      .number()
      .int()
      .min(1)
      .max(256 * 1024 ** 2)
      .default(16 * 1024 ** 2)
      .describe('Largest task, and largest result, that is recorded, in bytes.'),
    mostCrashes: z
      .number()
      .int()
      .min(1)
      .default(3)
      .describe('How many times the process may die during attempts of a task before it is not tried again.'),
  }),
);

/** Tasks are handed to a Restate server, and run by workers. */
const restateEngineSchema = lazySchema(() =>
  z.strictObject({
    kind: z.literal('restate'),
    ingressUrl: z
      .url()
      .default('http://127.0.0.1:8080')
      .describe("Address of the server's ingress, where tasks are handed over."),
    adminUrl: z
      .url()
      .default('http://127.0.0.1:9070')
      .describe("Address of the server's admin interface, where workers, limits and cancels are told."),
    namespace: z
      .string()
      .regex(/^[a-zA-Z][a-zA-Z0-9-]{0,31}$/, 'must be a letter, then letters, digits or "-", 32 at most')
      .default('gaffr')
      .describe('What belongs together at the server: one set of services, and one limit over all of it.'),
    keepSeconds: seconds()
      .default(86_400)
      .describe('How long the end of a task is kept at the server, in seconds.'),
    timeoutSeconds: seconds()
      .default(10)
      .describe('How long the server may take to answer before a task is refused, in seconds.'),
    watchSeconds: seconds()
      .default(30)
      .describe('How long tasks may wait while nothing runs before that is reported, in seconds.'),
    maxRecordBytes: z
      .number()
      .int()
      .min(1)
      .max(32 * 1024 ** 2)
      .default(8 * 1024 ** 2)
      .describe('Largest task, and largest result, in bytes.'),
  }),
);

/** The engine as a configuration file says it. */
export const engineSchema = lazySchema(() =>
  z.discriminatedUnion('kind', [
    localEngineSchema.schema,
    journalEngineSchema.schema,
    restateEngineSchema.schema,
  ]),
);

/** The engine as a caller says it. `repair`: start in spite of damage, with what can be read. */
export const engineOptionsSchema = lazySchema(() =>
  z.discriminatedUnion('kind', [
    localEngineSchema.schema,
    journalEngineSchema.schema.extend({ repair: z.boolean().default(false) }),
    restateEngineSchema.schema,
  ]),
);

/** The engine of an orchestrator: `{ kind: 'local' }`, `{ kind: 'journal', path, … }` or `{ kind: 'restate', … }`. */
export type EngineOptions = z.input<typeof engineOptionsSchema>;
/** Options of the journal, complete. */
export type JournalOptions = Extract<z.output<typeof engineOptionsSchema>, { kind: 'journal' }>;
/** Options of the engine `restate`, complete. */
export type RestateOptions = Extract<z.output<typeof engineOptionsSchema>, { kind: 'restate' }>;
