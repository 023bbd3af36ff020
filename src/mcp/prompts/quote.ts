/** Characters that are not seen but can change how a text reads: controls, directions, tags, halves, private ones. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\u2028\u2029]/gu;

/**
 * Writes a value as JSON in one line, for a place in a prompt where it must read as data: a text stays between its quotes,
 * begins no line of its own, and hides nothing.
 */
export function quote(value: unknown): string {
  // JSON spells line ends and controls already; what is left of them would be inside its texts.
  return JSON.stringify(value).replace(UNSEEN, (char) =>
    Array.from({ length: char.length }, (_, at) => escapeUnit(char.charCodeAt(at))).join(''),
  );
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
