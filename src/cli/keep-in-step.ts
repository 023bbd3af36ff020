import type { OpenedOrchestrator } from './built-in-orchestrator.js';
import { takeSignal } from './process-end.js';

/** Applies the configuration file whenever it changes and at each SIGHUP, until the returned function is called. */
export function keepInStep({ follow }: OpenedOrchestrator): () => void {
  const followed = follow();
  if (followed === null) return () => {};
  const giveBack = takeSignal('SIGHUP', () => void followed.reload());
  return () => {
    giveBack();
    followed.close();
  };
}
