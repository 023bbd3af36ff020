/** How a task is put to a language model, and how far an answer is that grows. */

const PROGRESS_EVERY_MS = 250;
/** Length of an answer at which it is called half done; how long it will be nobody knows. */
const HALF_DONE_CHARACTERS = 1000;

/** What came with the task (results of earlier subtasks, say) is part of the question. */
export function withArguments(task: string, others: Readonly<Record<string, unknown>>): string {
  if (Object.keys(others).length === 0) return task;
  return `${task}\n\nArguments of the task, as JSON:\n${JSON.stringify(others, null, 2)}`;
}

/** Reports how long an answer is, at most four times a second. @param now - Milliseconds. */
export function reportLength(
  progress: (fraction: number, message: string) => void,
  now: () => number,
): (text: string) => void {
  let toldMs = now();
  return (text) => {
    const nowMs = now();
    if (nowMs - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = nowMs;
    progress(text.length / (text.length + HALF_DONE_CHARACTERS), `${text.length} characters`);
  };
}
