import type { AnyStateMachine, AnyStateNode } from 'xstate';

type Transition = NonNullable<AnyStateNode['always']>[number];

/** A machine as a Mermaid state diagram: one line per arrow. `always` and `after` are in it, targetless ones left out. */
export function mermaidOf(machine: AnyStateMachine): string {
  const lines = ['stateDiagram-v2'];
  const visit = (node: AnyStateNode, indent: string): void => {
    const [initial] = node.initial?.target ?? [];
    if (initial) lines.push(`${indent}[*] --> ${initial.key}`);
    for (const child of Object.values(node.states) as AnyStateNode[]) {
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

function labelOf({ eventType, guard }: Transition): string {
  const event =
    eventType === '' ? 'always' : String(eventType).replace(/^xstate\.after\.([^.]+)\..*/, 'after $1');
  const name = typeof guard === 'string' ? guard : guard && 'type' in guard ? String(guard.type) : '';
  return name === '' ? event : `${event} [${name}]`;
}
