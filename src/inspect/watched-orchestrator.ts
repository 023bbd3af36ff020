import type { OrchestratorEvents } from '../actors/queue-events.js';
import type { SupervisorActor } from '../actors/supervisor-actor.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import type { TaskOptions } from '../core/task.js';

/** What the windows of this folder need of an orchestrator. */
export interface WatchedOrchestrator extends Pick<OrchestratorPort, 'explain' | 'listServices' | 'stats'> {
  readonly actor: SupervisorActor;
  on<E extends keyof OrchestratorEvents>(
    event: E,
    listener: (...values: OrchestratorEvents[E]) => void,
  ): unknown;
  off<E extends keyof OrchestratorEvents>(
    event: E,
    listener: (...values: OrchestratorEvents[E]) => void,
  ): unknown;
  submit(task: string, options?: TaskOptions): { readonly taskId: string };
  cancel(taskId: string, reason?: unknown): boolean;
  pause(): unknown;
  resume(): unknown;
  setMaxParallel(maxParallel: number): unknown;
  resetCircuit(service: string): unknown;
}
