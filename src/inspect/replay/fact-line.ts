import type { HistoryEvent } from '../../core/history-event.js';
import { isFailing } from './recorded-tasks.js';

/** A fact in a list. */
export interface FactLine {
  readonly atMs: number;
  readonly type: string;
  readonly taskId: string | null;
  readonly about: string;
  /** What kind of news it is, for its colour. */
  readonly tone: 'good' | 'bad' | 'work' | 'setback' | 'plain';
}

/** Longest name or id that is told whole, in characters. */
const LONGEST_NAME = 200;

/** Says a fact in a few words, for people. */
export function factLine(event: HistoryEvent): FactLine {
  const taskId = 'taskId' in event ? event.taskId.slice(0, LONGEST_NAME) : null;
  return {
    atMs: event.atMs,
    type: event.type,
    taskId,
    about: aboutOf(event).slice(0, LONGEST_NAME),
    tone: toneOf(event),
  };
}

function toneOf(event: HistoryEvent): FactLine['tone'] {
  switch (event.type) {
    case 'settled':
      return isFailing(event.status) ? 'bad' : event.status === 'completed' ? 'good' : 'plain';
    case 'circuit':
      return event.state === 'open' ? 'bad' : 'good';
    case 'started':
      return 'work';
    case 'backoff':
    case 'abandoned':
    case 'moved':
    case 'rate_limit':
      return 'setback';
    default:
      return 'plain';
  }
}

function aboutOf(event: HistoryEvent): string {
  switch (event.type) {
    case 'submitted':
      return event.priority === 0 ? '' : `priority ${event.priority}`;
    case 'reprioritised':
      return `priority ${event.priority}`;
    case 'handed_over':
      return event.service === null ? '' : `for ${event.service}`;
    case 'queued':
      return `for ${event.service}`;
    case 'moved':
      return `from ${event.service}`;
    case 'started':
    case 'abandoned':
    case 'ended':
      return `attempt ${event.attempt} on ${event.instance}`;
    case 'backoff':
      return `after attempt ${event.attempt} on ${event.service}: ${event.errorCode ?? 'failed'}, ${Math.round(event.delayMs)} ms`;
    case 'settled':
      return [event.status, event.result.errorCode].filter(Boolean).join(': ');
    case 'circuit':
      return `of ${event.service}: ${event.state}`;
    case 'rate_limit':
      return event.isLimited ? 'tasks wait for a rate window' : 'no task waits for a rate window';
    case 'resized':
      return `${event.service ?? 'maxParallel'}: ${event.limit ?? 'without limit'}`;
    case 'restaffed':
      return event.service;
  }
}
