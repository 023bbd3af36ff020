/** Services that have a label of their own; what comes after them shares {@link OTHER}. */
const MOST_LABELS = 200;
/** Longest label, in characters. */
const LONGEST_LABEL = 128;
/** Stands for all services beyond {@link MOST_LABELS}. */
const OTHER = '(other)';
/** Stands for tasks that no service was chosen for. */
const NONE = '(none)';

/**
 * Owns: which services have a label of their own, in order of appearance. However many services come and go, and whatever
 * they are called, there are at most {@link MOST_LABELS} and two more, and each can be written down.
 */
export class ServiceLabels {
  readonly #known = new Set<string>();

  /** @param service - Null: none was chosen. */
  labelOf(service: string | null): string {
    if (service === null) return NONE;
    if (this.#known.has(service)) return service;
    const label = writable(service);
    if (this.#known.has(label)) return label;
    if (this.#known.size >= MOST_LABELS) return OTHER;
    this.#known.add(label);
    return label;
  }
}

/** Lone halves of a character would be written as the same sign, and two services then be told as one twice. */
function writable(name: string): string {
  return name.slice(0, LONGEST_LABEL).replace(/\p{Surrogate}|\p{Control}/gu, '\uFFFD');
}
