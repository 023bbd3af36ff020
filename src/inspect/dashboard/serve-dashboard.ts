import type { ServerResponse } from 'node:http';
import { systemClock } from '../../core/clock.js';
import type { Clock } from '../../core/environment.js';
import type { Redactor } from '../../core/redactor.js';
import { answerJson } from '../http-answers.js';
import { type PageOptions, type ServedPage, servePage } from '../serve-page.js';
import type { WatchedOrchestrator } from '../watched-orchestrator.js';
import { carryOut } from './orders.js';
import { Overview } from './overview.js';
import { detailOf } from './task-detail.js';
import { Viewers } from './viewers.js';

/** Options of {@link serveDashboard}. Whoever has the token sees every task and may give orders. */
export interface DashboardOptions extends PageOptions {
  readonly version: string;
  /** The orchestrator's clock. Default: the system's. */
  readonly clock?: Clock;
  /** Secrets that no text of a task may show. Default: none. */
  readonly redactor?: Redactor;
}

/** A dashboard that listens. */
export type Dashboard = ServedPage;

/**
 * Serves the live page of an orchestrator on this machine's own address. Works with the fast lane on.
 *
 * @throws TypeError for a token that is too short.
 * @throws Error when the port cannot be had.
 */
export async function serveDashboard(
  orchestrator: WatchedOrchestrator,
  options: DashboardOptions,
): Promise<Dashboard> {
  const { version, clock = systemClock, redactor } = options;
  const clean = (text: string): string => redactor?.text(text) ?? text;
  let site: Site | undefined;
  const page = await servePage(
    {
      read: (name, query, response) => site !== undefined && read(site, name, query, response),
      order: (name, values) => carryOut(orchestrator, name, values),
    },
    options,
  );
  // Made once the port is had: what hears of every task must be closed again.
  const overview = new Overview(orchestrator, { clock, version, clean });
  const viewers = new Viewers(overview);
  site = { orchestrator, overview, viewers };
  return {
    ...page,
    async close() {
      viewers.close();
      overview.close();
      await page.close();
    },
  };
}

interface Site {
  readonly orchestrator: WatchedOrchestrator;
  readonly overview: Overview;
  readonly viewers: Viewers;
}

async function read(
  { orchestrator, overview, viewers }: Site,
  name: string,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<boolean> {
  switch (name) {
    case 'feed':
      if (!viewers.add(response)) answerJson(response, 503, { error: 'Too many pages look on; close one.' });
      return true;
    case 'now':
      answerJson(response, 200, overview.hello());
      return true;
    case 'task': {
      const task = overview.trail.find(query.get('id') ?? '');
      if (task === undefined) answerJson(response, 404, { error: 'This task is no longer kept.' });
      else answerJson(response, 200, await detailOf(task, overview, (text) => orchestrator.explain(text)));
      return true;
    }
    default:
      return false;
  }
}
