import { Graph, layout } from '@dagrejs/dagre';
import type { ChartEdge, ChartState, ChartTerm, MachineChart } from './machine-chart.js';

/** A point, in the units of an SVG picture. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A state with its place: `x` and `y` are its upper left corner. */
export interface PlacedState extends ChartState, Point {
  readonly width: number;
  readonly height: number;
}

/** An edge with its way from border to border, and where its label stands, which is null when labels are left out. */
export interface PlacedEdge extends ChartEdge {
  readonly points: readonly Point[];
  readonly label: Point | null;
}

/** A chart that can be drawn as it is. */
export interface PlacedChart {
  readonly id: string;
  readonly description: string;
  readonly width: number;
  readonly height: number;
  readonly states: readonly PlacedState[];
  readonly edges: readonly PlacedEdge[];
  /** Empty when labels are left out. */
  readonly terms: readonly ChartTerm[];
}

/** Width of a letter, and height of a line, of the labels that the page draws. */
const LETTER = 5.7;
const LINE = 12;
const STATE = { width: 84, height: 34 };

/** Computes where states and edges of a chart stand. @param hasLabels - Whether edges make room for their labels. */
export function layOutChart(chart: MachineChart, hasLabels: boolean): PlacedChart {
  const graph = new Graph({ compound: true, multigraph: false });
  graph.setGraph({
    rankdir: 'LR',
    nodesep: hasLabels ? 26 : 22,
    ranksep: hasLabels ? 24 : 30,
    edgesep: hasLabels ? 14 : 12,
    marginx: 10,
    marginy: 10,
  });
  for (const state of chart.states) {
    graph.setNode(state.id, state.isCompound ? {} : { ...STATE });
  }
  for (const { id, parent } of chart.states) if (parent !== null) graph.setParent(id, parent);
  // dagre turns edges that close a circle, in this order: states then stand in the order of their definition.
  const place = new Map(chart.states.map(({ id }, index) => [id, index]));
  const inOrder = chart.edges.toSorted(
    (a, b) =>
      (place.get(a.from) ?? 0) - (place.get(b.from) ?? 0) || (place.get(a.to) ?? 0) - (place.get(b.to) ?? 0),
  );
  for (const { from, to, labels } of inOrder) {
    const size = hasLabels ? labelSize(labels) : { width: 0, height: 0 };
    graph.setEdge(leafOf(chart, from), leafOf(chart, to), { ...size, labelpos: 'c' });
  }
  layout(graph);
  const places = new Map(chart.states.map((state) => [state.id, boxOf(graph.node(state.id))]));
  const { width = 0, height = 0 } = graph.graph();
  return {
    id: chart.id,
    description: chart.description,
    width: Math.ceil(width),
    height: Math.ceil(height),
    states: chart.states.map((state) => ({ ...state, ...(places.get(state.id) as Box) })),
    edges: chart.edges.map((edge) => {
      const placed = graph.edge(leafOf(chart, edge.from), leafOf(chart, edge.to));
      const points = clip(placed.points.map(rounded), places.get(edge.from), places.get(edge.to));
      const { x = 0, y = 0 } = placed;
      return { ...edge, points, label: hasLabels ? rounded({ x, y }) : null };
    }),
    terms: hasLabels ? chart.terms : [],
  };
}

interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

function labelSize(labels: readonly string[]): { width: number; height: number } {
  return {
    width: Math.max(...labels.map(({ length }) => length)) * LETTER + 8,
    height: labels.length * LINE + 4,
  };
}

/** dagre joins leaves only: a state with states inside is stood for by its first one. */
function leafOf({ states }: MachineChart, id: string): string {
  const child = states.find(({ parent }) => parent === id);
  return child === undefined ? id : leafOf({ states } as MachineChart, child.id);
}

function boxOf({ x = 0, y = 0, width = 0, height = 0 }: Partial<Box>): Box {
  return { x: round(x - width / 2), y: round(y - height / 2), width: round(width), height: round(height) };
}

/** The way between two boxes without what lies inside of them. */
function clip(points: readonly Point[], from: Box | undefined, to: Box | undefined): Point[] {
  const start = lastInside(points, from);
  const end = points.length - 1 - lastInside([...points].reverse(), to);
  const kept = points.slice(start, end + 1);
  const [first, second] = kept;
  if (from && first && second && isInside(first, from)) kept[0] = crossing(first, second, from);
  const [last, before] = [kept.at(-1), kept.at(-2)];
  if (to && last && before && isInside(last, to)) kept[kept.length - 1] = crossing(last, before, to);
  return kept;
}

/** Index of the last point of the beginning that lies inside of the box; 0 when none does. */
function lastInside(points: readonly Point[], box: Box | undefined): number {
  const outside = points.findIndex((point) => box === undefined || !isInside(point, box));
  return Math.max(0, (outside === -1 ? points.length - 1 : outside) - 1);
}

function isInside({ x, y }: Point, box: Box): boolean {
  return x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height;
}

/** Where the way from inside of a box to the outside leaves it. */
function crossing(inside: Point, outside: Point, box: Box): Point {
  const dx = outside.x - inside.x;
  const dy = outside.y - inside.y;
  const toX = dx === 0 ? Number.POSITIVE_INFINITY : ((dx > 0 ? box.x + box.width : box.x) - inside.x) / dx;
  const toY = dy === 0 ? Number.POSITIVE_INFINITY : ((dy > 0 ? box.y + box.height : box.y) - inside.y) / dy;
  const share = Math.min(toX, toY, 1);
  return rounded({ x: inside.x + dx * share, y: inside.y + dy * share });
}

function rounded({ x, y }: Point): Point {
  return { x: round(x), y: round(y) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
