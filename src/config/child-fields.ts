import * as z from 'zod';
import { lazySchema } from '../core/lazy-schema.js';

const text = () => z.string().min(1);
const headerName = () => z.string().regex(/^[!#$%&'*+.^`|~\w-]+$/, 'expected the name of a header');

/** How a child process is started: a program and its arguments, never a line for a shell. */
export const childSchema = lazySchema(() =>
  z.strictObject({
    command: text().describe('The program: a name on PATH, or a path from the folder of this file.'),
    args: z.array(z.string()).optional().describe('Its arguments; none of them passes through a shell.'),
    env: z
      .record(text(), z.string())
      .optional()
      .describe(`Variables of its own; \${env:NAME} in a value stands for one of ours.`),
    inheritEnv: z
      .array(text())
      .optional()
      .describe('Variables that it gets from us. Default: PATH, HOME, LANG, TMPDIR.'),
    cwd: text().optional().describe('Its working folder. Default: the folder of this file.'),
  }),
);

/** How a server is addressed. Secrets belong into headers: addresses are shown. */
export const addressSchema = lazySchema(() =>
  z.strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .refine((url) => !/^[^/]*\/\/[^/]*@/.test(url), 'put credentials into headers, not into the address')
      .describe('Its http or https address.'),
    headers: z
      .record(headerName(), z.string().regex(/^[\x20-\x7e]*$/, 'expected printable ASCII'))
      .optional()
      .describe(`Headers of every request; \${env:NAME} in a value stands for a variable.`),
  }),
);

/** Largest answer that is read. */
export const resultLimit = () => z.number().int().min(1).optional().describe('Largest answer, in bytes.');
