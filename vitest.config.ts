import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/adapters/**', 'test/conformance/**', 'test/restate/**', '**/node_modules/**'],
    testTimeout: 30_000,
    // Two cores: more workers only fight for them.
    maxWorkers: 2,
  },
});
