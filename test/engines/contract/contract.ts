import { afterAll, describe, expect } from 'vitest';
import { attempts } from './attempts.js';
import { closing } from './closing.js';
import { endings } from './endings.js';
import { keeping } from './keeping.js';
import { keys } from './keys.js';
import { limits } from './limits.js';
import { refusals } from './refusals.js';
import { results } from './results.js';
import { routing } from './routing.js';
import { severalProcesses } from './several-processes.js';
import { type EngineUnderTest, Suite } from './suite.js';

const PARTS = [routing, limits, attempts, endings, keys, results, refusals, closing, keeping];

/**
 * The suite that every engine passes: each behaviour where the capabilities of the engine allow it, and the documented
 * refusal where they do not.
 */
export function engineContract(engine: EngineUnderTest): void {
  const suite = new Suite(engine);
  describe(`engine ${engine.name}`, () => {
    afterAll(() => {
      process.stdout.write(`engine ${engine.name}: ${suite.passed} behaviours hold\n`);
    });

    suite.test('says what it can do', async ({ name, capabilities, fresh, open }) => {
      const { orchestrator } = await open(fresh());
      expect(orchestrator.engine).toEqual({ kind: name, capabilities });
    });

    for (const part of PARTS) part(suite);
    if (engine.capabilities.distributed) severalProcesses(suite);
  });
}
