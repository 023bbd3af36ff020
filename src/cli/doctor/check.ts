/** What `gaffr doctor` found out about one thing. */
export interface Check {
  /** What was looked at, in a few words. */
  readonly subject: string;
  /** `warning`: works, and could be better or will fail for some tasks. `fault`: does not work. */
  readonly status: 'ok' | 'warning' | 'fault';
  readonly text: string;
  /** What to do about it; null when there is nothing to do. */
  readonly mend: string | null;
}

export function ok(subject: string, text: string): Check {
  return { subject, status: 'ok', text, mend: null };
}

export function warning(subject: string, text: string, mend: string): Check {
  return { subject, status: 'warning', text, mend };
}

export function fault(subject: string, text: string, mend: string): Check {
  return { subject, status: 'fault', text, mend };
}
