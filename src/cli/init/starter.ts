/**
 * The configuration file that `gaffr init` writes: what it says is the default, and what is commented out is right as it
 * stands once the slashes are gone.
 *
 * @param schema - Where editors find the JSON Schema: a path from the file, or an address.
 */
export function starterText(schema: string): string {
  return `{
  // Completion and checks in editors.
  "$schema": ${JSON.stringify(schema)},

  // Limits. Every field has a default; editors show them.
  "taskConfig": {
    "maxParallel": 5,
    "timeoutSeconds": 300
  },

  // How a task finds its service.
  "routingConfig": {
    "confidenceThreshold": 0.5,
    "fallbackService": "chat"
  },

  // The built-in services work offline and need no key. false switches one off.
  "builtins": {
    // Folders that vision and responses may read, from the folder of this file.
    "roots": ["."],
    "vision": true,
    "responses": true,
    "reasoning": true,
    "chat": true
  },

  // Services of your own, by name. After a change: gaffr trust, then gaffr doctor.
  "services": {
    // A model behind any OpenAI-compatible server.
    // "writer": {
    //   "kind": "openai",
    //   "baseURL": "http://127.0.0.1:11434/v1",
    //   "model": "qwen3:8b",
    //   "keywords": ["write", "draft"]
    // },

    // JavaScript: export default (task, context) => …
    // "report": {
    //   "kind": "module",
    //   "module": "./report.mjs",
    //   "isolate": "thread",
    //   "keywords": ["report"]
    // },

    // A program: no shell, and of the environment it sees only what is named.
    // "count": {
    //   "kind": "subprocess",
    //   "command": "wc",
    //   "args": ["-w"],
    //   "keywords": ["count words"]
    // },

    // A server that takes tasks as POST requests. \${env:NAME} keeps secrets out of this file.
    // "tickets": {
    //   "kind": "http",
    //   "url": "https://tickets.example.org/tasks",
    //   "headers": { "authorization": "Bearer \${env:TICKETS_TOKEN}" },
    //   "keywords": ["ticket"]
    // },
  },

  // Paste the block that you have for Claude or Cursor; VS Code's goes under "servers".
  "mcpServers": {
    // "files": {
    //   "command": "npx",
    //   "args": ["-y", "@modelcontextprotocol/server-filesystem", "."]
    // },
  }
}
`;
}
