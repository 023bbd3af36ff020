import type { RuntimeEvent } from '../core/events.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';

/** What an observer needs of an orchestrator: every `Orchestrator` fits. */
export interface ObservedOrchestrator extends Pick<OrchestratorPort, 'stats' | 'listServices'> {
  on(event: 'event', listener: (event: RuntimeEvent) => void): unknown;
  off(event: 'event', listener: (event: RuntimeEvent) => void): unknown;
}
