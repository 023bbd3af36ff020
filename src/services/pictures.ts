/** Pictures for a model: `data:` addresses as they are, and files inside the roots. */

import { FileRoots } from './file-roots.js';
import { invalidInput } from './input-errors.js';

/** Pictures of one task. */
export const MOST_PICTURES = 16;
/** Largest picture, in bytes. */
const MAX_PICTURE_BYTES = 20 * 1024 * 1024;

/** How files of each kind begin, as Latin-1. */
const BEGINNINGS: readonly (readonly [type: string, beginning: RegExp])[] = [
  ['image/png', /^\x89PNG\r\n/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF[\s\S]{4}WEBP/],
];

export class Pictures {
  readonly #roots: FileRoots;

  /** @param roots - Folders that pictures are read from; with none, only `data:` addresses are taken. */
  constructor(roots: readonly string[]) {
    this.#roots = new FileRoots({ roots, maxFileBytes: MAX_PICTURE_BYTES });
  }

  /**
   * Each picture as a `data:` address.
   *
   * @throws OrchestratorError `OUTSIDE_ROOT`, `NOT_FOUND`; `INVALID_INPUT` for what is no picture, and for web addresses:
   * the model's server would fetch them from where it stands, past every guard of ours.
   */
  async read(images: readonly string[], signal: AbortSignal): Promise<string[]> {
    const read: string[] = [];
    for (const image of images) {
      signal.throwIfAborted();
      read.push(image.startsWith('data:') ? checkedData(image) : await this.#readFile(image));
    }
    return read;
  }

  async #readFile(path: string): Promise<string> {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path) && !path.startsWith('file://')) {
      const message = `Pictures are not fetched from web addresses ("${path.slice(0, 200)}"); pass a data: address or a file.`;
      throw invalidInput('scheme', message);
    }
    const bytes = await this.#roots.read(await this.#roots.locate(path));
    const beginning = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
    const type = BEGINNINGS.find(([, pattern]) => pattern.test(beginning))?.[0];
    if (type === undefined) {
      throw invalidInput('unsupported-type', `"${path}" is no PNG, JPEG, GIF or WebP picture; convert it.`, {
        path,
      });
    }
    return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
  }
}

function checkedData(address: string): string {
  if (!/^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]/.test(address.slice(0, 64))) {
    const message =
      'A data: address holds no PNG, JPEG, GIF or WebP picture in base64; write data:image/png;base64,…';
    throw invalidInput('unsupported-type', message);
  }
  if (address.length > MAX_PICTURE_BYTES * 1.4) {
    throw invalidInput('too-large', `A picture is larger than ${MAX_PICTURE_BYTES} bytes; make it smaller.`);
  }
  return address;
}
