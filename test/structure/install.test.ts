import { expect, it } from 'vitest';
import { isInstalled } from '../../scripts/install.mjs';

const lockfile = {
  packages: {
    '': { version: '1.0.0' },
    'node_modules/zod': { version: '4.6.7', integrity: 'sha512-a' },
    'node_modules/only-windows': { version: '1.0.0', integrity: 'sha512-b', optional: true },
  },
};
const zod = { version: '4.6.7', integrity: 'sha512-a' };

it.each([
  ['all but another platform’s package is there', { 'node_modules/zod': zod }, true],
  ['nothing is there', {}, false],
  ['a version differs', { 'node_modules/zod': { ...zod, version: '4.6.6' } }, false],
  ['the bytes of a version differ', { 'node_modules/zod': { ...zod, integrity: 'sha512-c' } }, false],
  [
    'there is a package that the lockfile does not know',
    { 'node_modules/zod': zod, 'node_modules/more': zod },
    false,
  ],
])('isInstalled() when %s', (_case, packages, expected) => {
  expect(isInstalled(lockfile, { packages })).toBe(expected);
});
