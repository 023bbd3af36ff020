/** Something that is made when it is first needed, once; a failed making is tried again. */
export class Lazy<T> {
  readonly #make: () => Promise<T>;
  #made: Promise<T> | undefined;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  get(): Promise<T> {
    this.#made ??= this.#make().catch((cause) => {
      this.#made = undefined;
      throw cause;
    });
    return this.#made;
  }

  /** What was made so far, if anything. */
  get made(): Promise<T> | undefined {
    return this.#made;
  }
}
