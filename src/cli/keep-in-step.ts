import type { OpenedOrchestrator } from './built-in-orchestrator.js';

/** Applies the configuration file whenever it changes and at each SIGHUP, until the returned function is called. */
export function keepInStep({ follow }: OpenedOrchestrator): () => void {
  const followed = follow();
  if (followed === null) return () => {};
  const onHangup = (): void => void followed.reload();
  process.on('SIGHUP', onHangup);
  return () => {
    process.off('SIGHUP', onHangup);
    followed.close();
  };
}
