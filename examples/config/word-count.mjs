/** Counts the words behind the first colon of a task, or of all of it. */
export default (/** @type {string} */ task) => {
  const text = task.includes(':') ? task.slice(task.indexOf(':') + 1) : task;
  return { words: text.match(/[\p{L}\p{N}'-]+/gu)?.length ?? 0 };
};
