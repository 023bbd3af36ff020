import type { Action, Plan } from './plan.js';
import { type Outcome, runPlan } from './run-plan.js';

/** A failing plan made as short as it goes. */
export interface Shrunk {
  readonly plan: Plan;
  readonly outcome: Outcome;
}

/**
 * Leaves actions, tasks and attempts out of a failing plan for as long as it still breaks the same invariant: first large
 * pieces, then small ones.
 *
 * @param budgetMs - Real time that it may take.
 */
export async function shrink(plan: Plan, budgetMs = 20_000): Promise<Shrunk> {
  const endMs = performance.now() + budgetMs;
  let best: Shrunk = { plan, outcome: await runPlan(plan) };
  const invariant = best.outcome.broken?.invariant;
  const accept = async (actions: readonly Action[]): Promise<boolean> => {
    if (performance.now() > endMs) return false;
    const shorter = { ...plan, actions };
    const outcome = await runPlan(shorter);
    if (outcome.broken?.invariant !== invariant) return false;
    best = { plan: shorter, outcome };
    return true;
  };
  await dropActions(() => best.plan.actions, accept);
  await dropTasks(() => best.plan.actions, accept);
  return best;
}

type Actions = () => readonly Action[];
type Accept = (actions: readonly Action[]) => Promise<boolean>;

async function dropActions(actions: Actions, accept: Accept): Promise<void> {
  for (let size = Math.ceil(actions().length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < actions().length; ) {
      const shorter = actions().toSpliced(at, size);
      if (!(await accept(shorter))) at += size;
    }
  }
}

async function dropTasks(actions: Actions, accept: Accept): Promise<void> {
  for (let at = 0; at < actions().length; at += 1) {
    for (let task = 0; task < tasksOf(actions()[at]).length; ) {
      const action = actions()[at] as Extract<Action, { tasks: unknown }>;
      const shorter = actions().with(at, { ...action, tasks: action.tasks.toSpliced(task, 1) });
      if (!(await accept(shorter))) task += 1;
    }
  }
}

function tasksOf(action: Action | undefined): readonly unknown[] {
  return action && 'tasks' in action ? action.tasks : [];
}

/** The trace of a failing run, for people: what was set up, what was done, and the last events. */
export function traceOf({ plan, outcome }: Shrunk): string {
  const { broken, events } = outcome;
  const lines = [
    `seed ${plan.seed} breaks ${broken?.invariant}: ${broken?.text} (at ${broken?.atMs} ms, action ${broken?.action})`,
    `setup ${JSON.stringify(plan.setup)}`,
    ...plan.actions.map((action) => `  ${JSON.stringify(action, withoutDefaults)}`),
    'last events',
    ...events.slice(-25).map((event) => `  ${eventText(event)}`),
  ];
  return lines.join('\n');
}

function withoutDefaults(key: string, value: unknown): unknown {
  const isDefault = value === null || value === 'none' || value === false;
  return isDefault && key !== 'after' ? undefined : value;
}

function eventText(event: object): string {
  const { result, ...rest } = event as { readonly result?: { readonly errorCode: string | null } };
  return `${JSON.stringify(rest)}${result?.errorCode ? ` ${result.errorCode}` : ''}`;
}
