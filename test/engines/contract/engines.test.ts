import type { EngineCapabilities } from '../../../src/core/engine.js';
import { journalPath, openWorld, turns } from '../support.js';
import { engineContract } from './contract.js';
import type { EngineUnderTest, World } from './suite.js';

const IN_PROCESS: EngineCapabilities = {
  durable: false,
  distributed: false,
  delivery: 'at-most-once',
  keepsTasks: false,
  priorities: true,
  pausing: true,
  progress: true,
};

/** How many turns of the event loop anything may take that time is not waited for. */
const MOST_TURNS = 100;

/** In one process everything goes on by turns of the event loop, and time is moved by hand. */
const open: EngineUnderTest['open'] = async (engine, options): Promise<World> => {
  const { orchestrator, advance } = openWorld(engine, options);
  return {
    orchestrator,
    runner: orchestrator,
    advance,
    async until(holds) {
      for (let turn = 0; !holds(); turn += 1) {
        if (turn === MOST_TURNS) throw new Error(`does not hold after ${MOST_TURNS} turns: ${holds}`);
        await turns(1);
      }
    },
    rest: turns,
    close: () => orchestrator.close({ drainSeconds: 0 }),
  };
};

engineContract({
  name: 'local',
  capabilities: IN_PROCESS,
  fresh: () => ({ kind: 'local' }),
  open,
  openAnother: null,
});
engineContract({
  name: 'journal',
  capabilities: { ...IN_PROCESS, durable: true, delivery: 'at-least-once', keepsTasks: true },
  fresh: () => ({ kind: 'journal', path: journalPath() }),
  open,
  openAnother: null,
});
