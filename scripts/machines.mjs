/**
 * The state machines as Mermaid diagrams, made from their definitions. `node scripts/machines.mjs --write` puts them
 * between the marks in README.md; without it they go to stdout. Needs a build.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const marks = (/** @type {string} */ name) => [`<!-- machine:${name} -->`, '<!-- /machine -->'];

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

/** Puts both diagrams between their marks. @param {string} readme @param {Readonly<Record<string, string>>} diagrams */
export function withDiagrams(readme, diagrams) {
  let text = readme;
  for (const [name, diagram] of Object.entries(diagrams)) {
    const [open, close] = marks(name);
    const start = text.indexOf(open);
    const end = text.indexOf(close, start);
    if (start < 0 || end < 0)
      throw new Error(`README.md has no marks for the machine "${name}": ${open} … ${close}`);
    text = `${text.slice(0, start + open.length)}\n\`\`\`mermaid\n${diagram}\n\`\`\`\n${text.slice(end)}`;
  }
  return text;
}

/** The diagrams by name, from the built machines. */
export async function diagrams() {
  const { serviceMachine } = await import('../dist/machines/service.machine.js');
  const { supervisorMachine } = await import('../dist/machines/supervisor.machine.js');
  return { service: mermaidOf(serviceMachine), supervisor: mermaidOf(supervisorMachine) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const made = await diagrams();
  const readme = new URL('../README.md', import.meta.url);
  if (process.argv.includes('--write'))
    writeFileSync(readme, withDiagrams(readFileSync(readme, 'utf8'), made));
  else process.stdout.write(`${Object.values(made).join('\n\n')}\n`);
}
