import { EXIT } from './exit-code.js';
import { takeSignal } from './process-end.js';

/** Signals that ask the process to end, until it is disposed. */
export interface StopSignals {
  /** Resolves with the first SIGTERM or SIGINT. */
  readonly first: Promise<NodeJS.Signals>;
  dispose(): void;
}

/** Listens for the request to stop. A second one ends the process at once with {@link EXIT.interrupted}. */
export function listenForStop(): StopSignals {
  let resolveFirst: (signal: NodeJS.Signals) => void = () => {};
  const first = new Promise<NodeJS.Signals>((resolve) => {
    resolveFirst = resolve;
  });
  let requests = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (++requests > 1) process.exit(EXIT.interrupted);
    resolveFirst(signal);
  };
  const giveBack = (['SIGINT', 'SIGTERM'] as const).map((name) => takeSignal(name, onSignal));
  return {
    first,
    dispose() {
      for (const end of giveBack) end();
    },
  };
}
