/** A state machine of the runtime, for people and for editors. */
export interface MachineDocument {
  /** `service` (one per instance) or `supervisor`. */
  readonly name: string;
  /** One sentence. */
  readonly description: string;
  /**
   * XState's configuration as plain JSON: `createMachine()` and Stately's editor take it as it is. Actions, guards and
   * delays are names in it.
   */
  readonly config: Readonly<Record<string, unknown>>;
  /** The machine as a Mermaid state diagram. */
  readonly mermaid: string;
}
