import type { Clock, Log } from '../core/environment.js';
import type { OrchestratorPort } from '../core/orchestrator-port.js';
import type { ResourceSources, RunSource } from './resources/resource-sources.js';
import { Updates } from './resources/updates.js';
import type { Run } from './runs/run.js';
import type { RunLimitsInput } from './runs/run-limits.js';
import { RunStore } from './runs/run-store.js';
import { findTool } from './tools/tool-table.js';

/** What the servers of one face are made with. */
export interface McpServerOptions {
  readonly log: Log;
  /** Version that clients are told. */
  readonly version: string;
  /** Limits of runs; the others have their default. */
  readonly runLimits?: RunLimitsInput | undefined;
}

/** What all servers of one face share, whatever the transport: it outlives their connections. */
export interface McpServerParts {
  readonly log: Log;
  readonly version: string;
  readonly runs: RunStore;
  readonly sources: ResourceSources;
  readonly updates: Updates;
}

/** Makes what the servers of one face share. */
export function createServerParts(
  orchestrator: OrchestratorPort,
  { log, version, runLimits, clock }: McpServerOptions & { readonly clock: Clock },
): McpServerParts {
  const shelf = orchestrator.shelf?.('runs') ?? null;
  const runs = new RunStore({ clock, log, shelf, ...(runLimits && { limits: runLimits }) });
  runs.resume(({ toolName, principal, args }) => {
    const tool = findTool(toolName);
    const parsed = tool?.input.safeParse(args);
    if (tool?.work === undefined || !parsed?.success) return undefined;
    const { work } = tool;
    return (hooks) => work(parsed.data as object, { orchestrator, principal, hooks });
  });
  const sources = { orchestrator, runs: runSourceOf(runs) };
  return { log, version, runs, sources, updates: new Updates({ ...sources, clock }) };
}

function runSourceOf(runs: RunStore): RunSource {
  return {
    bring: (runId, principal) => runs.bring(runId, principal),
    get: (runId, principal) => runs.get(runId, principal)?.wholeJson(),
    watch(listener) {
      const tell = (run: Run): void => listener(run.id);
      runs.on('change', tell);
      return () => void runs.off('change', tell);
    },
  };
}
