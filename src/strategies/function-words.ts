/** Words that carry grammar and politeness rather than a subject. */
const FUNCTION_WORDS = new Set(
  `a an the this that these those some any all each every no not
  i me my mine we us our you your he she it its they them their who whom whose
  is am are was were be been being do does did have has had can could will would shall should may might must
  of to in on at by for from with without about into onto over under between through during before after
  and or but if then than so as because while when where what which how why
  there here out up down off again very too also just only more most such other
  please want need like let get make give tell help know using use via etc`
    .split(/\s+/)
    .filter((word) => word !== ''),
);

/** Whether a lower-case word is an English function word. */
export function isFunctionWord(word: string): boolean {
  return FUNCTION_WORDS.has(word);
}
