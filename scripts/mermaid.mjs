/**
 * One line per arrow, from the tree of state nodes: `always` and `after` included, targetless ones left out.
 *
 * @param {import('xstate').AnyStateMachine} machine
 */
export function mermaidOf(machine) {
  const lines = ['stateDiagram-v2'];
  const visit = (/** @type {import('xstate').AnyStateNode} */ node, /** @type {string} */ indent) => {
    const [initial] = node.initial?.target ?? [];
    if (initial) lines.push(`${indent}[*] --> ${initial.key}`);
    for (const child of Object.values(node.states)) {
      if (Object.keys(child.states).length > 0) {
        lines.push(`${indent}state ${child.key} {`);
        visit(child, `${indent}  `);
        lines.push(`${indent}}`);
      }
      for (const transition of [...[...child.transitions.values()].flat(), ...(child.always ?? [])]) {
        for (const target of transition.target ?? []) {
          lines.push(`${indent}${child.key} --> ${target.key}: ${labelOf(transition)}`);
        }
      }
      if (child.type === 'final') lines.push(`${indent}${child.key} --> [*]`);
    }
  };
  visit(machine.root, '  ');
  return lines.join('\n');
}

/** @param {import('xstate').TransitionDefinition<any, any>} transition */
function labelOf({ eventType, guard }) {
  const event = eventType === '' ? 'always' : eventType.replace(/^xstate\.after\.([^.]+)\..*/, 'after $1');
  const name = typeof guard === 'string' ? guard : guard && 'type' in guard ? String(guard.type) : '';
  return name === '' ? event : `${event} [${name}]`;
}
