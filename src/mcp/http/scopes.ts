import { findTool } from '../tools/tool-table.js';

/** What a caller may be allowed to do: start work, look, stop work. */
export const SCOPES = ['execute', 'read', 'cancel'] as const;
export type Scope = (typeof SCOPES)[number];

const PREFIX = 'gaffr:';

/** A scope as authorization servers and clients spell it, for instance `gaffr:execute`. */
export function scopeName(scope: Scope): string {
  return `${PREFIX}${scope}`;
}

/** The scopes in a list of names. A name without the prefix counts too; other names mean nothing here. */
export function parseScopes(names: readonly string[]): Scope[] {
  const bare = new Set(names.map((name) => (name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name)));
  return SCOPES.filter((scope) => bare.has(scope));
}

/** Methods that show what is or was done here; everything else beside tool calls only negotiates or lists. */
const READS = new Set(['resources/read', 'resources/subscribe', 'subscriptions/listen', 'tasks/get']);

/** The scope that a message needs, or undefined when any caller may send it. */
export function scopeNeeded(message: unknown): Scope | undefined {
  const { method, params } = (message ?? {}) as { readonly method?: unknown; readonly params?: unknown };
  if (method === 'tools/call') return scopeOfTool((params as { readonly name?: unknown } | undefined)?.name);
  if (method === 'tasks/cancel') return 'cancel';
  if (method === 'tasks/update') return 'execute';
  return typeof method === 'string' && READS.has(method) ? 'read' : undefined;
}

function scopeOfTool(name: unknown): Scope | undefined {
  const tool = typeof name === 'string' ? findTool(name) : undefined;
  if (tool === undefined) return undefined;
  if (tool.annotations.readOnlyHint) return 'read';
  // The one tool that changes something and starts nothing.
  return tool.name === 'cancelRun' ? 'cancel' : 'execute';
}
