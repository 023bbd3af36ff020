import type { OrchestratorPort } from '../../core/orchestrator-port.js';

/** The runs, as far as resources show them. */
export interface RunSource {
  /** Takes a run up that another process started. Default: there are no others. */
  bring?(runId: string, principal: string | null): Promise<void>;
  /** All that is kept of a run, as JSON; undefined when there is none of this id for this principal. */
  get(runId: string, principal: string | null): string | undefined;
  /** Calls the listener with the id of each run that changes. @returns What ends that. */
  watch(listener: (runId: string) => void): () => void;
}

/** What the resources are made of. */
export interface ResourceSources {
  readonly orchestrator: OrchestratorPort;
  /** Default: there are none, and no resource for them. */
  readonly runs?: RunSource | undefined;
}
