import type { OrchestratorPort } from '../core/orchestrator-port.js';
import type { Terminal } from './terminal.js';

/** Lets what was accepted come to its end, and tells people how not to wait for it. */
export async function drain(
  orchestrator: Pick<OrchestratorPort, 'close' | 'stats'>,
  terminal: Pick<Terminal, 'tell'>,
): Promise<void> {
  const { running, queued, retrying } = orchestrator.stats();
  if (running + queued + retrying > 0)
    terminal.tell('Finishing what runs; press Ctrl-C again to stop at once.');
  await orchestrator.close();
}
