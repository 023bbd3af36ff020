import type { Engine } from '../core/engine.js';

/** Tasks live in this process: the shortest way, and nothing survives it. */
export const localEngine: Engine = {
  kind: 'local',
  capabilities: {
    durable: false,
    distributed: false,
    delivery: 'at-most-once',
    keepsTasks: false,
    priorities: true,
    pausing: true,
    progress: true,
  },
  keeper: null,
  archive: null,
  shelf: () => null,
  start: () => {},
  close: async () => {},
};
