import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    testTimeout: 20_000,
    maxWorkers: 2,
    // As an application loads it: the built package.
    server: { deps: { external: [/\/dist\//] } },
  },
});
