import type {
  AnyActorScope,
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyStateNode,
} from 'xstate';

/**
 * The fast lane: events that keep the state skip the interpreter.
 *
 * XState spends one to two microseconds on an event, even on one whose only transition has no target: it computes the
 * states to exit and to enter, which are none, and copies a snapshot that is the same. For such an event this runs the
 * transition's own named actions and keeps the snapshot; every event that may change the state goes through the
 * interpreter as always. What is skipped is read from the machine's definition, never written twice.
 *
 * `@xstate.event` and `@xstate.snapshot` inspection see every event; `@xstate.microstep` and `@xstate.action` do not see
 * those that took the lane, which is why an orchestrator with an inspector does not use it.
 */
export function fastLane<M extends AnyStateMachine>(machine: M): M {
  const lanes = new Map<AnyStateNode, Map<string, Action[] | null>>();
  const transition = (
    snapshot: AnyMachineSnapshot,
    event: AnyEventObject,
    scope: AnyActorScope,
  ): AnyMachineSnapshot => {
    const node = atomicNode(snapshot);
    if (node === undefined) return machine.transition(snapshot, event, scope);
    let lane = lanes.get(node);
    if (lane === undefined) {
      lane = new Map();
      lanes.set(node, lane);
    }
    let actions = lane.get(event.type);
    if (actions === undefined) {
      actions = laneOf(machine, node, event.type);
      lane.set(event.type, actions);
    }
    if (actions === null) return machine.transition(snapshot, event, scope);
    const args = { context: snapshot.context, event, self: scope.self, system: scope.system };
    for (const action of actions) action(args);
    return snapshot;
  };
  return Object.create(machine, { transition: { value: transition } }) as M;
}

type Action = (args: {
  readonly context: unknown;
  readonly event: AnyEventObject;
  readonly self: unknown;
  readonly system: unknown;
}) => void;

/** The one innermost active state, or undefined when there are several or the machine has ended. */
function atomicNode({ status, _nodes }: AnyMachineSnapshot): AnyStateNode | undefined {
  const node = status === 'active' ? _nodes.at(-1) : undefined;
  // A branch has one node per level: more nodes mean parallel regions.
  return node !== undefined && _nodes.length === node.path.length + 1 ? node : undefined;
}

/** The actions of an event that keeps the state, or null when the interpreter must look at it. */
function laneOf(machine: AnyStateMachine, atomic: AnyStateNode, eventType: string): Action[] | null {
  const branch: AnyStateNode[] = [];
  for (let node: AnyStateNode | undefined = atomic; node !== undefined; node = node.parent) branch.push(node);
  // An eventless transition would be due after the event.
  if (branch.some(({ always = [] }) => always.length > 0)) return null;
  for (const { transitions } of branch) {
    const [transition, ...others] = transitions.get(eventType) ?? [];
    if (transition !== undefined) {
      const { target = [], guard, reenter, actions } = transition;
      const keepsState = others.length === 0 && target.length === 0 && guard === undefined && !reenter;
      return keepsState ? plainActions(machine, actions) : null;
    }
    if ([...transitions.keys()].some((pattern) => pattern.endsWith('*'))) return null;
  }
  return null;
}

/** Actions that are plain functions; XState's own (assign, spawn, send …) need the interpreter. */
function plainActions(machine: AnyStateMachine, actions: readonly unknown[]): Action[] | null {
  const found: Action[] = [];
  for (const name of actions) {
    const action = typeof name === 'string' ? machine.implementations.actions[name] : undefined;
    if (typeof action !== 'function' || 'resolve' in action) return null;
    found.push(action as unknown as Action);
  }
  return found;
}
