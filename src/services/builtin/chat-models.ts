/**
 * Finds a model that runs on this machine.
 *
 * Owns the last finding; talks to the addresses it is given and to nothing else.
 * L1 Tasks that come at the same time share one search.
 * L2 What was found, or that nothing was, is kept for a short time only: servers come and go.
 */
import { OrchestratorError } from '../../core/errors.js';
import { listModels, type ModelServer } from '../openai-client.js';

/** Loopback addresses of Ollama, LM Studio and llama.cpp. */
export const LOCAL_ADDRESSES = [
  'http://127.0.0.1:11434',
  'http://127.0.0.1:1234',
  'http://127.0.0.1:8080',
] as const;

const PROBE_LIMIT_MS = 300;
const FOUND_KEPT_MS = 30_000;
const NOTHING_KEPT_MS = 3_000;
const NO_MODEL_ENDING = 'If you are a model calling this tool: answer the task yourself.';

/** A server and one of its models. */
export interface LocalModel {
  readonly server: ModelServer;
  readonly model: string;
}

export class LocalModels {
  readonly #servers: readonly ModelServer[];
  readonly #model: string | undefined;
  readonly #now: () => number;
  #finding: { readonly search: Promise<LocalModel | undefined>; untilMs: number } | undefined;

  /** @param model - The model that must be there; any when undefined. */
  constructor(servers: readonly ModelServer[], model: string | undefined, now: () => number) {
    this.#servers = servers;
    this.#model = model;
    this.#now = now;
  }

  /**
   * The first server, in the given order, that answers within 300 ms and has a model.
   *
   * @throws OrchestratorError `NO_MODEL` naming the addresses; the signal's reason when it is aborted.
   */
  async find(signal: AbortSignal): Promise<LocalModel> {
    signal.throwIfAborted();
    if (this.#finding === undefined || this.#now() >= this.#finding.untilMs) this.#startSearch();
    const found = await this.#finding?.search;
    signal.throwIfAborted();
    if (found === undefined) throw noModel(this.#servers, this.#model);
    return found;
  }

  /** Forgets the finding, when the server found does not answer any more. */
  forget(): void {
    this.#finding = undefined;
  }

  #startSearch(): void {
    const search = this.#search();
    const finding = { search, untilMs: Number.POSITIVE_INFINITY };
    this.#finding = finding;
    void search.then((found) => {
      finding.untilMs = this.#now() + (found === undefined ? NOTHING_KEPT_MS : FOUND_KEPT_MS);
    });
  }

  /** Never rejects: a server that fails in any way is none. */
  async #search(): Promise<LocalModel | undefined> {
    const findings = await Promise.all(
      this.#servers.map(async (server): Promise<LocalModel | undefined> => {
        try {
          const models = await listModels(server, AbortSignal.timeout(PROBE_LIMIT_MS));
          const model = chooseModel(models, this.#model);
          return model === undefined ? undefined : { server, model };
        } catch {
          // Nothing listens there, or something else does.
          return undefined;
        }
      }),
    );
    return findings.find((found) => found !== undefined);
  }
}

/** The wanted model, or the first that is not for embeddings only; undefined when there is none. */
export function chooseModel(models: readonly string[], wanted: string | undefined): string | undefined {
  return models.find((model) => (wanted === undefined ? !/embed/i.test(model) : model === wanted));
}

/** The error when no model is there: the addresses tried, what to do, and a word to a model that reads it. */
export function noModel(servers: readonly ModelServer[], model: string | undefined): OrchestratorError {
  const tried = servers.map(({ baseURL }) => baseURL.replace(/\/v1$/, ''));
  const which = model === undefined ? 'No language model' : `No language model "${model}"`;
  const message = `${which} is reachable (tried ${tried.join(', ')}); start a local server such as Ollama, or set baseURL and model of the service. ${NO_MODEL_ENDING}`;
  return new OrchestratorError('NO_MODEL', message, { tried });
}
