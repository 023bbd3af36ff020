/** Cuts a text into passages, and knows on which lines each stands. Pure. */

/** A part of a text, and on which of its lines it stands. */
export interface Passage {
  readonly text: string;
  readonly lines: readonly [first: number, last: number];
}

/** Longest passage, in characters; longer paragraphs are cut at a line or a word. */
const PASSAGE_CHARACTERS = 1_200;

/** Passages stand between empty lines; a heading belongs to the passage below it; overlong ones are cut. */
export function passagesIn(text: string): Passage[] {
  const passages: Passage[] = [];
  let block: Line[] = [];
  let heading: Line[] = [];
  const endBlock = (): void => {
    const isHeading = block.length === 1 && /^#{1,6} /.test(block[0]?.text ?? '');
    const all = [...heading, ...block];
    heading = isHeading ? all : [];
    if (!isHeading && block.length > 0) passages.push(...cut(all));
    block = [];
  };
  for (const [at, line] of text.split(/\r\n?|\n/).entries()) {
    if (line.trim() === '') endBlock();
    else block.push({ number: at + 1, text: line });
  }
  endBlock();
  return heading.length === 0 ? passages : [...passages, ...cut(heading)];
}

interface Line {
  readonly number: number;
  readonly text: string;
}

/** Cuts at the end of a line, or within one that is overlong at a word. */
function cut(lines: readonly Line[]): Passage[] {
  const parts: Passage[] = [];
  let part: Line[] = [];
  let characters = 0;
  const endPart = (): void => {
    const text = part
      .map((line) => line.text)
      .join('\n')
      .trim();
    const [first = 0, last = first] = [part[0]?.number, part.at(-1)?.number];
    if (text !== '') parts.push({ text, lines: [first, last] });
    part = [];
    characters = 0;
  };
  for (const line of lines.flatMap(shortened)) {
    if (characters + line.text.length > PASSAGE_CHARACTERS) endPart();
    part.push(line);
    characters += line.text.length + 1;
  }
  endPart();
  return parts;
}

function shortened({ number, text }: Line): Line[] {
  const parts: Line[] = [];
  let rest = text;
  while (rest.length > PASSAGE_CHARACTERS) {
    const space = rest.slice(0, PASSAGE_CHARACTERS).lastIndexOf(' ');
    const at = space > PASSAGE_CHARACTERS / 2 ? space : PASSAGE_CHARACTERS;
    parts.push({ number, text: rest.slice(0, at).trim() });
    rest = rest.slice(at).trim();
  }
  return [...parts, { number, text: rest }];
}
