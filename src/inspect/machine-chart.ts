import type { AnyStateMachine, AnyStateNode } from 'xstate';

/** A state of a machine, as a chart shows it. */
export interface ChartState {
  /** Dotted path from the root, such as `running.active`. */
  readonly id: string;
  /** Its own name. */
  readonly name: string;
  readonly description: string;
  /** The state that it lies in, or null. */
  readonly parent: string | null;
  readonly isCompound: boolean;
  readonly isFinal: boolean;
}

/** All transitions of a machine from one state to another. */
export interface ChartEdge {
  readonly from: string;
  readonly to: string;
  /** Event and guard of each transition, such as `ATTEMPT_FAILED [canRetry]`. */
  readonly labels: readonly string[];
  /** What the machine says of each of these transitions; empty where it says nothing. */
  readonly notes: readonly string[];
}

/** What a name in a machine means. */
export interface ChartTerm {
  readonly kind: 'event' | 'guard' | 'action' | 'delay';
  readonly name: string;
  readonly text: string;
}

/** What there is to draw of a machine. */
export interface MachineChart {
  readonly id: string;
  readonly description: string;
  readonly states: readonly ChartState[];
  readonly edges: readonly ChartEdge[];
  /** From the `meta.glossary` of the machine's root; empty when it has none. */
  readonly terms: readonly ChartTerm[];
}

/**
 * Reads states and transitions from a machine's definition, also those without an event and those of delays. A
 * transition that keeps its state is none of a picture's edges.
 */
export function chartOf(machine: AnyStateMachine): MachineChart {
  const states: ChartState[] = [];
  const edges = new Map<string, { from: string; to: string; labels: string[]; notes: string[] }>();
  const visit = (node: AnyStateNode): void => {
    const from = idOf(node);
    for (const transition of [...[...node.transitions.values()].flat(), ...(node.always ?? [])]) {
      for (const target of transition.target ?? []) {
        const to = idOf(target);
        const key = `${from}→${to}`;
        const edge = edges.get(key) ?? { from, to, labels: [], notes: [] };
        edge.labels.push(labelOf(transition));
        edge.notes.push(transition.description ?? '');
        edges.set(key, edge);
      }
    }
    for (const child of Object.values(node.states)) {
      states.push(stateOf(child));
      visit(child);
    }
  };
  visit(machine.root);
  return {
    id: machine.id,
    description: machine.root.description ?? '',
    states,
    edges: [...edges.values()],
    terms: termsOf(machine.root.meta),
  };
}

/** The dotted paths of the innermost states of a machine's value: `{ running: 'active' }` is `running.active`. */
export function activeStateOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [entry] = Object.entries((value ?? {}) as Record<string, unknown>);
  return entry === undefined ? '' : `${entry[0]}.${activeStateOf(entry[1])}`;
}

const KINDS = { events: 'event', guards: 'guard', actions: 'action', delays: 'delay' } as const;

/** Any machine may be drawn, and its `meta` may be anything. */
function termsOf(meta: unknown): ChartTerm[] {
  const glossary = Object(Object(meta).glossary) as Record<string, unknown>;
  return Object.entries(KINDS).flatMap(([key, kind]) =>
    Object.entries(Object(glossary[key]) as Record<string, unknown>).flatMap(([name, text]) =>
      typeof text === 'string' ? { kind, name, text } : [],
    ),
  );
}

function stateOf(node: AnyStateNode): ChartState {
  return {
    id: idOf(node),
    name: node.key,
    description: node.description ?? '',
    parent: node.parent !== undefined && node.parent.path.length > 0 ? idOf(node.parent) : null,
    isCompound: Object.keys(node.states).length > 0,
    isFinal: node.type === 'final',
  };
}

function idOf({ path }: AnyStateNode): string {
  return path.join('.');
}

function labelOf({
  eventType,
  guard,
}: AnyStateNode['always'] extends (infer T)[] | undefined ? T : never): string {
  const event = eventType === '' ? 'always' : eventType.replace(/^xstate\.after\.([^.]+)\..*/, 'after $1');
  return typeof guard === 'string' ? `${event} [${guard}]` : event;
}
