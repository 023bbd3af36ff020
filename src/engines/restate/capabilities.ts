import type { EngineCapabilities } from '../../core/engine.js';

/** What the engine `restate` can do, in every process. */
export const RESTATE_CAPABILITIES: EngineCapabilities = {
  durable: true,
  distributed: true,
  delivery: 'at-least-once',
  keepsTasks: false,
  priorities: false,
  pausing: false,
  progress: false,
};
