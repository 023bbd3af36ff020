import { misuse } from './errors.js';
import type { Subtask } from './task.js';

/** A subtask with its place in the input, its name and what it waits for. */
export interface PlannedSubtask {
  readonly index: number;
  readonly subtask: Subtask;
  readonly id: string;
  readonly dependsOn: readonly string[];
}

/**
 * Checks subtasks (every id once, every dependency known, no cycle) and puts them into an order in which each stands
 * behind what it depends on, and otherwise as given. Subtasks without an id are called by their place, "1" first.
 *
 * @throws TypeError naming the subtask that breaks the rule.
 */
export function planSubtasks(subtasks: readonly Subtask[]): PlannedSubtask[] {
  const plan = subtasks.map((subtask, index) => ({
    index,
    subtask,
    id: subtask.id ?? String(index + 1),
    dependsOn: subtask.dependsOn ?? [],
  }));
  const byId = new Map<string, PlannedSubtask>();
  for (const planned of plan) {
    if (byId.has(planned.id)) throw misuse(`Two subtasks have the id "${planned.id}"; give each its own.`);
    byId.set(planned.id, planned);
  }
  for (const { id, dependsOn } of plan) {
    const missing = dependsOn.find((dependency) => !byId.has(dependency));
    if (missing !== undefined) {
      throw misuse(
        `Subtask "${id}" depends on "${missing}", which is not among: ${[...byId.keys()].join(', ')}.`,
      );
    }
  }
  return inOrder(plan);
}

function inOrder(plan: readonly PlannedSubtask[]): PlannedSubtask[] {
  const ordered: PlannedSubtask[] = [];
  const done = new Set<string>();
  let left = plan;
  while (left.length > 0) {
    const waiting: PlannedSubtask[] = [];
    for (const planned of left) {
      if (planned.dependsOn.every((id) => done.has(id))) {
        ordered.push(planned);
        done.add(planned.id);
      } else waiting.push(planned);
    }
    if (waiting.length === left.length) {
      throw misuse(`Subtasks depend on each other in a circle: ${left.map(({ id }) => id).join(', ')}.`);
    }
    left = waiting;
  }
  return ordered;
}
