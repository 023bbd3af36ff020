import { readFileSync } from 'node:fs';

/** Every seed that ever broke an invariant; each runs with every test. */
export const failedSeeds: readonly number[] = JSON.parse(
  readFileSync(new URL('./seeds.json', import.meta.url), 'utf8'),
);
