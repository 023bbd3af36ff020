import * as z from 'zod';

const seconds = z.number().positive();
const limit = z.union([z.number().int().min(1), z.literal(Number.POSITIVE_INFINITY)]);

/** Tasks live in this process. */
const localEngineSchema = z.strictObject({ kind: z.literal('local') });

/** Tasks are recorded in a file before they are accepted. */
const journalEngineSchema = z.strictObject({
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
  keepSeconds: seconds.default(3600).describe('How long a completed or cancelled task is kept, in seconds.'),
  keepTasks: limit
    .default(10_000)
    .describe('Most completed or cancelled tasks that are kept; the oldest go.'),
  keepFailedSeconds: seconds
    .default(604_800)
    .describe('How long a task that failed is kept for another try, in seconds.'),
  keepFailedTasks: limit.default(10_000).describe('Most failed tasks that are kept; the oldest go.'),
  maxBytes: limit
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
});

/** The engine as a configuration file says it. */
export const engineSchema = z.discriminatedUnion('kind', [localEngineSchema, journalEngineSchema]);

/** The engine as a caller says it. `repair`: start in spite of damage, with what can be read. */
export const engineOptionsSchema = z.discriminatedUnion('kind', [
  localEngineSchema,
  journalEngineSchema.extend({ repair: z.boolean().default(false) }),
]);

/** The engine of an orchestrator: `{ kind: 'local' }` or `{ kind: 'journal', path, … }`. */
export type EngineOptions = z.input<typeof engineOptionsSchema>;
/** Options of the journal, complete. */
export type JournalOptions = Extract<z.output<typeof engineOptionsSchema>, { kind: 'journal' }>;
