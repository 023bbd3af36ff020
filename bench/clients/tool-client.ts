/** What a tool answered. */
export interface ToolAnswer {
  readonly content?: readonly unknown[];
  readonly structuredContent?: unknown;
}

/** A client connected to a server that it started as a child process. */
export interface ToolClient {
  callTool(name: string, args: Readonly<Record<string, unknown>>): Promise<ToolAnswer>;
  /** User and system time of the server so far, in microseconds. */
  cpuMicros(): Promise<number>;
  /** Ends the connection and waits for the server's end. */
  close(): Promise<void>;
}

/** Starts a server, with arguments of Node, and connects to it. */
export type ConnectClient = (args: readonly string[]) => Promise<ToolClient>;
