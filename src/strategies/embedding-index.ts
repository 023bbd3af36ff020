import type { EmbedTexts } from '../core/model-ports.js';
import type { ServiceProfile } from '../core/route.js';
import { Embedder } from './embedding-vectors.js';
import { descriptorOf, textsIn } from './service-texts.js';
import { SharedWork } from './shared-work.js';

/** Most characters of a text that is embedded: about as much as small models read. */
const MAX_EMBEDDED_CHARS = 2048;

/** How near a task is to one service. */
export interface ServiceSimilarity {
  readonly service: string;
  /** Cosine of task and service, -1 to 1. */
  readonly similarity: number;
  /** The example that is nearest to the task, unless the service's description is nearer; computed when asked for. */
  readonly nearestExample: () => { readonly text: string; readonly similarity: number } | undefined;
}

interface Service {
  readonly name: string;
  readonly descriptor: string;
  readonly examples: readonly string[];
}

/**
 * Owns: the vectors of what services say of themselves, and their centroids. Talks to: the embedder.
 *
 * - L1: a text is embedded once, as long as some service has it, however often the registry changes.
 * - L2: one build at a time; whoever needs the index waits for it, and what it has learned stays when it is given up.
 */
export class EmbeddingIndex {
  readonly #embedder: Embedder;
  readonly #vectors = new Map<string, Float32Array>();
  #services: readonly Service[] = [];
  /** By position in `#services`; undefined while they have to be computed. */
  #centroids: readonly Float32Array[] | undefined;
  #build: SharedWork<void> | undefined;

  constructor(embed: EmbedTexts, batchSize: number) {
    this.#embedder = new Embedder(embed, batchSize, () => {
      this.#vectors.clear();
      this.#centroids = undefined;
    });
  }

  /** Takes the texts of these profiles; what is missing is embedded when the index is next needed. */
  setProfiles(profiles: ReadonlyMap<string, ServiceProfile>): void {
    this.#services = Array.from(profiles.values(), toService);
    this.#centroids = undefined;
  }

  /** The similarity of each service to a task, in order of registration. Rejects when a vector cannot be had. */
  async compare(task: string, signal: AbortSignal): Promise<ServiceSimilarity[]> {
    while (this.#centroids === undefined) {
      if (this.#build === undefined || this.#build.isOver) {
        this.#build = new SharedWork((given) => this.#buildCentroids(given));
      }
      await this.#build.join(signal);
    }
    const services = this.#services;
    const centroids = this.#centroids;
    const query = await this.#embedder.one(cut(task), signal);
    return services.map((service, at) => ({
      service: service.name,
      similarity: dot(query, centroids[at] as Float32Array),
      nearestExample: () => this.#nearestExample(query, service),
    }));
  }

  async #buildCentroids(signal: AbortSignal): Promise<void> {
    let missing = this.#missingTexts();
    while (missing.length > 0) {
      await this.#embedder.each(missing, signal, (text, vector) => this.#vectors.set(text, vector));
      // Services may have come and gone meanwhile.
      missing = this.#missingTexts();
    }
    const used = new Set(this.#services.flatMap(textsOf));
    for (const text of this.#vectors.keys()) if (!used.has(text)) this.#vectors.delete(text);
    this.#centroids = this.#services.map((service) =>
      centroidOf(textsOf(service).map((text) => this.#vectors.get(text) as Float32Array)),
    );
  }

  #missingTexts(): string[] {
    const texts = new Set(this.#services.flatMap(textsOf));
    return [...texts].filter((text) => !this.#vectors.has(text));
  }

  #nearestExample(query: Float32Array, { descriptor, examples }: Service) {
    const similarityTo = (text: string): number => {
      const vector = this.#vectors.get(text);
      return vector?.length === query.length ? dot(query, vector) : -1;
    };
    let nearest: { text: string; similarity: number } | undefined;
    let most = descriptor === '' ? 0 : similarityTo(descriptor);
    for (const text of examples) {
      const similarity = similarityTo(text);
      if (similarity <= most) continue;
      most = similarity;
      nearest = { text, similarity };
    }
    return nearest;
  }
}

function toService(profile: ServiceProfile): Service {
  const parts = descriptorOf(profile).filter((part) => part !== '');
  const examples = textsIn(profile.examples)
    .filter((text) => text !== '')
    .map(cut);
  return { name: profile.name, descriptor: cut(parts.join('. ')), examples };
}

/** The texts of a service: what it says of itself, then its examples. */
function textsOf({ descriptor, examples }: Service): string[] {
  return descriptor === '' ? [...examples] : [descriptor, ...examples];
}

function cut(text: string): string {
  return text.slice(0, MAX_EMBEDDED_CHARS);
}

/** The direction of the sum; of no vector, or of vectors that cancel each other out, a vector that is like nothing. */
function centroidOf(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float64Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) {
    for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] as number) + (vector[at] as number);
  }
  const length = Math.sqrt(dot(sum, sum)) || 1;
  return Float32Array.from(sum, (value) => value / length);
}

/** Of two vectors of length 1 the cosine. */
function dot(a: Float32Array | Float64Array, b: Float32Array | Float64Array): number {
  let sum = 0;
  for (let at = 0; at < b.length; at++) sum += (a[at] as number) * (b[at] as number);
  return sum;
}
