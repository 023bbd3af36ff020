import type { Log } from '../../core/environment.js';
import type { Fault } from './fault.js';

/** What is said to a thread or process that runs jobs. A job and the replies to it carry the same number. */
export type ToIsolate<J = unknown> =
  | { readonly type: 'run'; readonly id: number; readonly job: J }
  | { readonly type: 'abort'; readonly id: number; readonly reason: Fault }
  /** Lets the code close what it holds and then ends. */
  | { readonly type: 'close' };

/** What it answers: any number of `progress` and `log`, then one `value` or `fault`. */
export type FromIsolate =
  | {
      readonly type: 'progress';
      readonly id: number;
      readonly fraction: number;
      readonly message?: string | undefined;
    }
  | {
      readonly type: 'log';
      readonly id: number;
      readonly level: keyof Log;
      readonly facts: object;
      readonly message: string;
    }
  | { readonly type: 'value'; readonly id: number; readonly value: unknown }
  | {
      readonly type: 'fault';
      readonly id: number;
      readonly fault: Fault;
      /** It is of no use for further jobs. */
      readonly isUnusable: boolean;
    };
