import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { importOptional } from '../../src/services/optional-package.js';

const absent = 'no-such-package-anywhere';
const require = createRequire(import.meta.url);

it.each([
  ['import()', () => import(/* @vite-ignore */ absent)],
  ['require.resolve()', () => require.resolve(absent)],
])(
  'importOptional() answers MISSING_PACKAGE with the install command when %s finds nothing',
  async (_how, load) => {
    await expect(importOptional(absent, load)).rejects.toMatchObject({
      code: 'MISSING_PACKAGE',
      retryable: false,
      message: expect.stringContaining(`npm install ${absent}`),
    });
  },
);

it('importOptional() hands on what was loaded, and other faults as they are', async () => {
  expect(await importOptional('path', () => require('node:path').sep)).toBe('/');
  const fault = new SyntaxError('broken package');
  await expect(importOptional('x', () => Promise.reject(fault))).rejects.toBe(fault);
});
