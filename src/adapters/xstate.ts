import type { ActorLogic, NonReducibleUnknown } from 'xstate';
import { misuse } from '../core/errors.js';
import { OrchestratorActor } from './xstate-actor.js';
import type {
  AnySystem,
  EndedTask,
  ExecuteOptions,
  OrchestratorCommand,
  OrchestratorNotice,
  OrchestratorSnapshot,
  OrchestratorView,
  SteeredOrchestrator,
} from './xstate-messages.js';
import { initialSnapshot, persist, restore } from './xstate-snapshot.js';

export type {
  EndedTask,
  ExecuteOptions,
  OrchestratorCommand,
  OrchestratorNotice,
  OrchestratorSnapshot,
  OrchestratorView,
  SteeredOrchestrator,
};

/** Logic of an actor that is an orchestrator. */
export type OrchestratorLogic = ActorLogic<
  OrchestratorSnapshot,
  OrchestratorCommand,
  NonReducibleUnknown,
  AnySystem,
  OrchestratorNotice
>;

/** Options of {@link orchestratorLogic}. */
export interface OrchestratorLogicOptions {
  /**
   * The orchestrator: one that others use too and that outlives the actor, or a function that makes one for the actor,
   * which is closed with it.
   */
  readonly orchestrator: SteeredOrchestrator | (() => SteeredOrchestrator);
  /** Most open tasks of the actor, 1 or more; beyond it an `EXECUTE` is refused. Default 10,000. */
  readonly mostOpen?: number;
}

/**
 * An orchestrator as actor logic, to be invoked or spawned by machines of one's own. It takes {@link OrchestratorCommand}s
 * and answers its parent with {@link OrchestratorNotice}s; a stopped actor cancels its tasks.
 *
 * The persisted snapshot holds the ids of open tasks and how the last 50 ended: no text, arguments, results or error
 * texts. A restored actor settles what was open as `interrupted`, so that the parent can submit it again.
 *
 * @throws TypeError when `mostOpen` is no whole number of at least 1.
 * @example
 * const machine = setup({
 *   types: { events: {} as OrchestratorNotice },
 *   actors: { gaffr: orchestratorLogic({ orchestrator: () => createOrchestrator({ services }) }) },
 * }).createMachine({
 *   invoke: { src: 'gaffr', id: 'gaffr' },
 *   entry: sendTo('gaffr', { type: 'EXECUTE', id: 'first', task: 'Read invoice.pdf' }),
 *   on: { TASK_SETTLED: { actions: ({ event }) => use(event.result) } },
 * });
 */
export function orchestratorLogic({
  orchestrator,
  mostOpen = 10_000,
}: OrchestratorLogicOptions): OrchestratorLogic {
  if (!Number.isInteger(mostOpen) || mostOpen < 1) {
    throw misuse(`mostOpen must be a whole number of at least 1; got ${mostOpen}.`);
  }
  const actors = new WeakMap<object, OrchestratorActor>();
  return {
    getInitialSnapshot: initialSnapshot,
    restoreSnapshot: restore,
    getPersistedSnapshot: persist,
    start(snapshot, scope) {
      if (snapshot.status !== 'active') return;
      const isOwn = typeof orchestrator === 'function';
      const actor = new OrchestratorActor(isOwn ? orchestrator() : orchestrator, { isOwn, mostOpen }, scope);
      actors.set(scope.self, actor);
      actor.settleInterrupted(snapshot.context.open);
    },
    transition: (snapshot, event, scope) => actors.get(scope.self)?.take(snapshot, event, scope) ?? snapshot,
  };
}
