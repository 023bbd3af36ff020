import type { ReasoningAnswer } from './reasoning-answer.js';
import { notFormal } from './reasoning-refusal.js';

type Formula =
  | { readonly op: 'statement'; readonly name: string }
  | { readonly op: 'not'; readonly of: Formula }
  | { readonly op: 'if' | 'and' | 'or'; readonly left: Formula; readonly right: Formula };

type Valuation = ReadonlyMap<string, boolean>;

const MOST_STATEMENTS = 16;
const MOST_SENTENCES = 64;

/** Words that carry logic of their own; a statement that holds one would be cut in the wrong place. */
const LOADED_WORDS = new Set(
  [
    'all any both each every everybody everyone everything few many most much no nobody none nothing several some',
    'somebody someone something always never often sometimes usually only exactly least',
    'although and because but either else except hence however if iff implies neither nor not or since so than',
    'therefore then though thus unless until when whenever where whether while yet',
    'can cannot could may might must ought possibly probably shall should will would',
  ].flatMap((line) => line.split(' ')),
);

/** Cuts a text into sentences without their final marks. */
export function splitSentences(text: string): string[] {
  return text
    .split(/[.;?\n]+/)
    .map((sentence) => sentence.trim().replace(PREMISE, ''))
    .filter((sentence) => sentence !== '');
}

const CONCLUSION = /^(?:(?:therefore|hence|thus|so)\b,?|conclusion\s*:)\s*/i;
/** "Premise 2: if p then q" */
const PREMISE = /^premises?(?: \d{1,2})?\s*:\s*/i;

/** Whether a sentence draws a conclusion. */
export function isConclusion(sentence: string): boolean {
  return CONCLUSION.test(sentence);
}

/**
 * Judges an argument by its truth table.
 *
 * @param sentences - Premises, then one sentence that begins with therefore, hence, thus, so or "conclusion:".
 * @throws OrchestratorError `NOT_FORMAL` naming the words outside the grammar.
 */
export function judgeSentences(sentences: readonly string[]): ReasoningAnswer {
  const last = sentences.at(-1);
  if (last === undefined || !isConclusion(last)) {
    throw notFormal('the last sentence must draw the conclusion and begin with "therefore"', [last ?? '']);
  }
  return judgeArgument(sentences.slice(0, -1), last.replace(CONCLUSION, ''));
}

/**
 * Judges whether a conclusion follows from premises, by truth table over at most 16 statements. Each sentence holds at
 * most one connective; each statement is one letter or 2 to 8 plain words, and a statement of words occurs at least
 * twice: one that occurs once is usually the other one in other words.
 *
 * @throws OrchestratorError `NOT_FORMAL` naming the words outside the grammar.
 */
export function judgeArgument(premises: readonly string[], conclusion: string): ReasoningAnswer {
  if (premises.length === 0) throw notFormal('the argument has no premise', [conclusion]);
  if (premises.length > MOST_SENTENCES) throw notFormal(`more than ${MOST_SENTENCES} premises`);
  const given = premises.map(parseSentence);
  const claim = parseSentence(conclusion);
  const statements = countStatements([...given, claim]);
  const once = [...statements].filter(([name, count]) => count < 2 && name.length > 1).map(([name]) => name);
  if (once.length > 0) {
    throw notFormal('each statement must occur at least twice in the very same words', once);
  }
  if (statements.size > MOST_STATEMENTS) {
    throw notFormal(`more than ${MOST_STATEMENTS} statements`, [...statements.keys()]);
  }
  const formal = `${given.map(show).join('; ')} ⊢ ${show(claim)}`;
  return { method: 'argument', formal, ...judge(given, claim, [...statements.keys()]) };
}

function judge(given: readonly Formula[], claim: Formula, names: readonly string[]) {
  let contradict = true;
  for (let row = 0; row < 2 ** names.length; row++) {
    const valuation: Valuation = new Map(names.map((name, bit) => [name, (row & (1 << bit)) !== 0]));
    if (!given.every((premise) => holds(premise, valuation))) continue;
    contradict = false;
    if (!holds(claim, valuation)) {
      const counterexample = Object.fromEntries(valuation);
      return { status: 'does not follow', result: { follows: false, counterexample } } as const;
    }
  }
  // From premises that contradict each other everything follows, which is true and misleading: it gets its own name.
  if (contradict) {
    return { status: 'premises contradict', result: { follows: null, counterexample: null } } as const;
  }
  return { status: 'follows', result: { follows: true, counterexample: null } } as const;
}

function parseSentence(sentence: string): Formula {
  const text = sentence
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/[.!?;]+$/, '')
    .trim();
  const conditional = /^if (.+?)(?:, then |, | then )(.+)$/.exec(text);
  if (conditional) {
    const [, left = '', right = ''] = conditional;
    return { op: 'if', left: parseLiteral(left), right: parseLiteral(right) };
  }
  for (const op of ['or', 'and'] as const) {
    const [left, right, ...more] = text.split(` ${op} `);
    if (left === undefined || right === undefined) continue;
    if (more.length > 0) throw notFormal('more than one connective in a sentence', [sentence]);
    // "not A or B" may mean either; after the connective only one reading is left.
    if (/\bnot\b/.test(left)) throw notFormal(`"not" before "${op}" can be read in two ways`, [sentence]);
    return { op, left: parseLiteral(left), right: parseLiteral(right) };
  }
  return parseLiteral(text);
}

function parseLiteral(text: string): Formula {
  const negated = /^not (.+)$/.exec(text);
  if (negated?.[1] !== undefined) return { op: 'not', of: parseStatement(negated[1]) };
  const denied = /^(.+ (?:is|are|was|were)) not (.+)$/.exec(text);
  if (denied) return { op: 'not', of: parseStatement(`${denied[1]} ${denied[2]}`) };
  return parseStatement(text);
}

function parseStatement(text: string): Formula {
  const words = text.split(' ');
  const loaded = words.filter((word) => LOADED_WORDS.has(word) || !/^\p{L}+(?:-\p{L}+)*$/u.test(word));
  if (loaded.length > 0) {
    throw notFormal(`"${text}" is no plain statement: quantifier, connective, modal or sign`, loaded);
  }
  const isLetter = words.length === 1 && text.length === 1;
  if (!isLetter && (words.length < 2 || words.length > 8)) {
    throw notFormal('a statement is one letter or 2 to 8 words', [text]);
  }
  return { op: 'statement', name: text };
}

function countStatements(formulas: readonly Formula[]): Map<string, number> {
  const counts = new Map<string, number>();
  const visit = (formula: Formula): void => {
    if (formula.op === 'statement') counts.set(formula.name, (counts.get(formula.name) ?? 0) + 1);
    else if (formula.op === 'not') visit(formula.of);
    else {
      visit(formula.left);
      visit(formula.right);
    }
  };
  formulas.forEach(visit);
  return counts;
}

function holds(formula: Formula, valuation: Valuation): boolean {
  switch (formula.op) {
    case 'statement':
      return valuation.get(formula.name) === true;
    case 'not':
      return !holds(formula.of, valuation);
    case 'if':
      return !holds(formula.left, valuation) || holds(formula.right, valuation);
    case 'and':
      return holds(formula.left, valuation) && holds(formula.right, valuation);
    case 'or':
      return holds(formula.left, valuation) || holds(formula.right, valuation);
  }
}

function show(formula: Formula): string {
  switch (formula.op) {
    case 'statement':
      return formula.name.length === 1 ? formula.name : `[${formula.name}]`;
    case 'not':
      return `¬${show(formula.of)}`;
    case 'if':
      return `${show(formula.left)} → ${show(formula.right)}`;
    case 'and':
      return `${show(formula.left)} ∧ ${show(formula.right)}`;
    case 'or':
      return `${show(formula.left)} ∨ ${show(formula.right)}`;
  }
}
