/** Keywords of the four built-in services, by service; a profile with keywords of its own replaces its row. */
export const DEFAULT_KEYWORDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['vision', ['image', 'picture', 'photo', 'visual', 'screenshot', 'pdf', 'extract', 'ocr', 'analyze image']],
  ['responses', ['search', 'web', 'browse', 'computer', 'click', 'type', 'navigate', 'automation']],
  ['reasoning', ['think', 'reason', 'analyze', 'complex', 'problem', 'solve', 'logic', 'plan']],
  ['chat', ['chat', 'conversation', 'talk', 'ask', 'question', 'discuss']],
]);
