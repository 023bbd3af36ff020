import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/restate/**/*.test.ts'],
    testTimeout: 60_000,
    // One server at a time.
    maxWorkers: 1,
  },
});
