/** Which tools of a downstream server may be called, and what is known of them. */

import type { DownstreamTool } from './tool-list.js';
import type { ToolHashes } from './tool-lock.js';

/** What the operator says of a server's tools. A name may hold `*` for any characters. */
export interface ToolPolicy {
  /** Only these are offered. Default: all. */
  readonly allow?: readonly string[] | undefined;
  /** These are never offered. */
  readonly deny?: readonly string[] | undefined;
  /** These change nothing, whatever the server says of them. */
  readonly readOnly?: readonly string[] | undefined;
  /** Calling these twice does no harm. */
  readonly idempotent?: readonly string[] | undefined;
}

/** The tools of one connection; a changed list makes another set. */
export class ToolSet {
  /** Those that may be called, in the server's order. */
  readonly callable: readonly DownstreamTool[];
  /** Those that are not what was approved, with what is different. */
  readonly quarantined: ReadonlyMap<string, string>;
  readonly all: readonly DownstreamTool[];
  readonly #policy: ToolPolicy;
  readonly #trustsAnnotations: boolean;

  /**
   * @param approved - Hashes of the approved definitions. A tool that is not among them came after the approval, which
   * is as much a change of the list as another description is.
   */
  constructor(
    tools: readonly DownstreamTool[],
    approved: ToolHashes,
    { policy, trustsAnnotations }: { readonly policy: ToolPolicy; readonly trustsAnnotations: boolean },
  ) {
    this.#policy = policy;
    this.#trustsAnnotations = trustsAnnotations;
    this.all = tools;
    const offered = tools.filter(({ name }) => isOffered(name, policy));
    this.quarantined = new Map(
      offered.flatMap(({ name, hash }) => {
        const pinned = Object.hasOwn(approved, name) ? approved[name] : undefined;
        if (pinned === hash) return [];
        const why =
          pinned === undefined
            ? 'appeared after its tools were approved'
            : 'has changed since it was approved';
        return [[name, why] as const];
      }),
    );
    this.callable = offered.filter(({ name }) => !this.quarantined.has(name));
  }

  get(name: string): DownstreamTool | undefined {
    return this.callable.find((tool) => tool.name === name);
  }

  /** The tool changes nothing: the operator says so, or the server does and the operator trusts it. */
  isReadOnly({ name, definition }: DownstreamTool): boolean {
    if (matchesAny(name, this.#policy.readOnly)) return true;
    return this.#trustsAnnotations && definition.annotations?.readOnlyHint === true;
  }

  /** A second call does no harm. */
  isRepeatable(tool: DownstreamTool): boolean {
    if (this.isReadOnly(tool) || matchesAny(tool.name, this.#policy.idempotent)) return true;
    return this.#trustsAnnotations && tool.definition.annotations?.idempotentHint === true;
  }
}

function isOffered(name: string, { allow, deny }: ToolPolicy): boolean {
  return (allow === undefined || matchesAny(name, allow)) && !matchesAny(name, deny);
}

function matchesAny(name: string, patterns: readonly string[] = []): boolean {
  return patterns.some((pattern) => matches(name, pattern));
}

/** Linear: each part between two `*` is looked for once, from left to right. */
function matches(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === pattern;
  const last = rest.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length)
    return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
