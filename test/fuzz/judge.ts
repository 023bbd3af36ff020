/** Something that must never happen, and the seeds of the inputs that were under way. */
export class Violation extends Error {}

type Id = string | number;

/**
 * What a client that wrote some inputs may hear: at most one answer for each request, and one for each whose id can be
 * read at all.
 */
export class Expectations {
  readonly #requests = new Map<Id, number>();
  readonly #answers = new Map<Id, number>();
  readonly #owed = new Set<Id>();
  readonly #excused = new Set<Id>();

  /** Takes note of what was sent. */
  sent(bytes: Buffer): void {
    const value = parse(bytes);
    for (const message of Array.isArray(value) ? value : [value]) {
      const { id, method, params } = (message ?? {}) as { id?: unknown; method?: unknown; params?: unknown };
      if (method === 'notifications/cancelled') {
        const { requestId } = (params ?? {}) as { requestId?: unknown };
        if (isId(requestId)) this.#excused.add(requestId);
      }
      if (!isId(id)) continue;
      this.#requests.set(id, (this.#requests.get(id) ?? 0) + 1);
      if (isWaiting(message)) this.#owed.add(id);
    }
  }

  /** Checks what came. @throws Violation for what nobody asked for. */
  received(message: unknown): void {
    const { jsonrpc, id, method, result, error } = (message ?? {}) as Record<string, unknown>;
    if (jsonrpc !== '2.0') throw new Violation(`no JSON-RPC message: ${JSON.stringify(message)}`);
    if (typeof method === 'string') return;
    if ((result === undefined) === (error === undefined)) {
      throw new Violation(`neither result nor error, or both: ${JSON.stringify(message)}`);
    }
    // Line feeds are escaped here.
    if (/\\n\s+at |node_modules|file:\/\//.test(JSON.stringify(message))) {
      throw new Violation(`an answer shows the inside: ${JSON.stringify(message)}`);
    }
    // A refusal of what could not be read names no request.
    if (!isId(id)) return;
    const answers = (this.#answers.get(id) ?? 0) + 1;
    this.#answers.set(id, answers);
    const requests = this.#requests.get(id) ?? 0;
    if (answers > requests) {
      throw new Violation(`${answers} answers for ${requests} requests of id ${JSON.stringify(id)}`);
    }
  }

  /** Ids of requests whose answer is still to come. */
  missing(): Id[] {
    return [...this.#owed].filter((id) => !this.#answers.has(id) && !this.#excused.has(id));
  }

  get answers(): number {
    return [...this.#answers.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** Whether somebody waits for an answer, were it only a refusal. A subscription is answered when it ends. */
function isWaiting({ method }: { readonly method?: unknown }): boolean {
  return typeof method === 'string' && method !== 'subscriptions/listen';
}

function isId(value: unknown): value is Id {
  return typeof value === 'string' || Number.isSafeInteger(value);
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
