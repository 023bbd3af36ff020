import { messageOf } from '../../core/errors.js';
import type { Route, RouteReason } from '../../core/route.js';
import type { Overview } from './overview.js';
import type { TaskRecordView } from './task-trail.js';

/** Candidates, and reasons of each, that are told. */
const MOST_CANDIDATES = 20;
const MOST_REASONS = 10;

/**
 * Everything that is known of a task; times are milliseconds since the overview began. The route of a task that has not
 * ended is what the router says at the moment, and `isForecast` says so.
 */
export async function detailOf(
  task: TaskRecordView,
  overview: Overview,
  explain: (task: string) => Promise<Route>,
): Promise<object> {
  const { taskId, text, namedService, service, state, priority, end, droppedSpans } = task;
  const isForecast = end === null && namedService === null;
  const route = end?.route ?? (isForecast ? await forecast(text, explain) : null);
  const since = (ms: number | null): number | null => (ms === null ? null : overview.sinceBegin(ms));
  return {
    id: taskId,
    text,
    namedService,
    service,
    state,
    priority,
    acceptedMs: since(task.acceptedAtMs),
    acceptedEpochMs: Math.round(overview.toEpochMs(task.acceptedAtMs)),
    spans: task.spans.map((span) => ({ ...span, startMs: since(span.startMs), endMs: since(span.endMs) })),
    droppedSpans,
    route: typeof route === 'string' || route === null ? null : routeView(route),
    routeProblem: typeof route === 'string' ? route : null,
    isForecast,
    end: end === null ? null : { ...end, atMs: since(end.atMs), route: undefined },
  };
}

async function forecast(text: string, explain: (task: string) => Promise<Route>): Promise<Route | string> {
  try {
    return await explain(text);
  } catch (cause) {
    return messageOf(cause);
  }
}

function routeView({ ranked, ...route }: Route): object {
  return {
    ...route,
    candidates: ranked
      .slice(0, MOST_CANDIDATES)
      .map(({ service, confidence, strategy, reasons = [], isRankOnly }) => ({
        service,
        confidence,
        strategy: strategy ?? null,
        isRankOnly: isRankOnly ?? false,
        reasons: reasons.slice(0, MOST_REASONS).map(reasonText),
      })),
  };
}

function reasonText(reason: RouteReason): string {
  switch (reason.kind) {
    case 'keyword':
      return `keyword “${reason.keyword}” (${reason.score.toFixed(2)})`;
    case 'term':
      return `term “${reason.term}” (${reason.weight.toFixed(2)})`;
    case 'example':
      return `like the example “${reason.text}” (${reason.similarity.toFixed(2)})`;
    default:
      return reason.note;
  }
}
