/** Breaks a text between words into lines of at most `columns` characters (1 when less is asked); a longer word is broken too. */
export function wrapToWidth(text: string, atMost: number): string[] {
  const columns = Math.max(1, atMost);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((each) => piecesOf(each, columns))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && widthOf(longer) > columns) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

function piecesOf(word: string, columns: number): string[] {
  const characters = [...word];
  if (characters.length <= columns) return [word];
  const count = Math.ceil(characters.length / columns);
  return Array.from({ length: count }, (_, at) =>
    characters.slice(at * columns, (at + 1) * columns).join(''),
  );
}

function widthOf(text: string): number {
  return [...text].length;
}
