/** A tool as a planner sees it. */
export interface PlannableTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

/** A call that a planner proposes. It is checked before it is made. */
export interface PlannedCall {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Turns the words of a task into one tool call; null when no tool fits. A language model, usually. */
export type ToolPlanner = (
  task: string,
  tools: readonly PlannableTool[],
  signal: AbortSignal,
) => Promise<PlannedCall | null>;
