/** Planted bugs: each must be found by the suites of the core. */

/** One bug: in `file` the text `find`, which stands there once, becomes `plant`. */
export interface Mutant {
  /** Number in the catalogue of planted bugs; those above 100 were faults of our own once. */
  readonly id: number;
  readonly bug: string;
  readonly file: string;
  readonly find: string;
  readonly plant: string;
  /** Test files that are tried first. */
  readonly by: readonly string[];
}

const SUPERVISOR = 'src/actors/supervisor.ts';
const DISPATCHER = 'src/actors/dispatcher.ts';
const SETTLEMENT = 'src/actors/settlement.ts';
const ENDINGS = 'src/actors/endings.ts';
const INSTANCE = 'src/actors/service-instance.ts';
const MAILBOX = 'src/actors/mailbox.ts';
const CIRCUIT = 'src/core/circuit-breaker.ts';
const PROMISES = 'test/actors/promises.test.ts';
const SERVICE_FAULTS = 'test/faults/service-faults.test.ts';
const CIRCUIT_FAULTS = 'test/faults/circuit-faults.test.ts';
const QUEUE_FAULTS = 'test/faults/queue-faults.test.ts';
const SIMULATION = 'test/simulation/simulation.test.ts';

export const MUTANTS: readonly Mutant[] = [
  {
    id: 1,
    bug: 'parallel limit off by one',
    file: DISPATCHER,
    find: 'running < this.maxParallel &&',
    plant: 'running <= this.maxParallel &&',
    by: [PROMISES],
  },
  {
    id: 2,
    bug: 'last in, first out within a priority',
    file: MAILBOX,
    find: 'this.#lanes.at(-1)?.first ?? undefined',
    plant: 'this.#lanes.at(-1)?.last ?? undefined',
    by: ['test/actors/mailbox.test.ts'],
  },
  {
    id: 3,
    bug: 'cancelled task stays in its mailbox',
    file: ENDINGS,
    find: "if (task.state === 'queued') task.crew?.mailbox.remove(task);",
    plant: "if (task.state === 'queued') void 0;",
    by: [PROMISES],
  },
  {
    id: 4,
    bug: 'nothing dispatched after a settle',
    file: 'src/machines/supervisor.machine.ts',
    find: "active: {\n          description: 'Starts waiting tasks whenever a parallel slot is free.',\n          on: {\n            SUBMIT: { actions: ['admit', 'dispatch'] },\n            REPORT: { actions: ['settle', 'dispatch'] },",
    plant:
      "active: {\n          description: 'Starts waiting tasks whenever a parallel slot is free.',\n          on: {\n            SUBMIT: { actions: ['admit', 'dispatch'] },\n            REPORT: { actions: ['settle', 'notify'] },",
    by: [PROMISES],
  },
  {
    id: 5,
    bug: 'cancel counted twice',
    file: ENDINGS,
    find: "this.end(task, 'cancelled', errors.cancelled(reason), reason);",
    plant:
      "this.end(task, 'cancelled', errors.cancelled(reason), reason);\n    this.#ledger.totals.cancelled += 1;",
    by: [SIMULATION],
  },
  {
    id: 6,
    bug: 'cancel ignored while retrying',
    file: ENDINGS,
    find: "if (task.state === 'settled') return;\n    const { instance } = task;",
    plant:
      "if (task.state === 'settled' || (task.state === 'retrying' && status === 'cancelled')) return;\n    const { instance } = task;",
    by: [PROMISES],
  },
  {
    id: 7,
    bug: 'outcome ignored once the instance is failed',
    file: INSTANCE,
    find: "this.#reportFailure('free', this.#mayRetry(this.#failure) ? 0 : null);",
    plant: 'void 0;',
    by: [CIRCUIT_FAULTS],
  },
  {
    id: 8,
    bug: 'dying service not marked down before its results',
    file: SETTLEMENT,
    find: "for (const report of reports) {\n      if (report.kind === 'circuit') this.#circuits.changed(report.crew, report.state);\n    }\n    for (const report of reports) if (report.kind !== 'circuit') this.#onReport(report);",
    plant:
      "for (const report of reports) if (report.kind !== 'circuit') this.#onReport(report);\n    for (const report of reports) {\n      if (report.kind === 'circuit' && report.state === 'closed') this.#circuits.changed(report.crew, report.state);\n    }",
    by: [PROMISES, CIRCUIT_FAULTS],
  },
  {
    id: 9,
    bug: "late answer taken for the next attempt's",
    file: SETTLEMENT,
    find: "const isPresent = task.state !== 'settled' && task.instance === instance;",
    plant: "const isPresent = task.state !== 'settled' || report.kind === 'completed';",
    by: [SERVICE_FAULTS, SIMULATION],
  },
  {
    id: 10,
    bug: 'half-open lets every waiting task through',
    file: CIRCUIT,
    find: "return this.#state === 'closed' || (this.#state === 'open' && nowMs >= this.#probesAtMs);",
    plant: "return this.#state !== 'open' || nowMs >= this.#probesAtMs;",
    by: ['test/core/circuit-breaker.test.ts'],
  },
  {
    id: 11,
    bug: 'outcome of an old half-open period closes the circuit',
    file: CIRCUIT,
    find: 'if (epoch !== this.#epoch) return false;\n    this.#inARow = 0;',
    plant: 'this.#inARow = 0;',
    by: ['test/core/circuit-breaker.test.ts'],
  },
  {
    id: 12,
    bug: 'one attempt too many',
    file: 'src/actors/retry.ts',
    find: 'attempts > maxRetries',
    plant: 'attempts > maxRetries + 1',
    by: [PROMISES],
  },
  {
    id: 13,
    bug: 'backoff without jitter',
    file: 'src/core/backoff.ts',
    find: 'Math.floor(random() * ceiling)',
    plant: 'Math.floor(ceiling)',
    by: [PROMISES],
  },
  {
    id: 131,
    bug: 'backoff without cap',
    file: 'src/core/backoff.ts',
    find: 'Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(retry, 30))',
    plant: 'policy.baseMs * 2 ** Math.min(retry, 30)',
    by: [QUEUE_FAULTS],
  },
  {
    id: 14,
    bug: 'backoff keeps its parallel slot',
    file: 'src/actors/ledger.ts',
    find: 'return this.counts.busy + this.counts.assigned;',
    plant: 'return this.counts.busy + this.counts.assigned + this.counts.retrying;',
    by: [PROMISES],
  },
  {
    id: 15,
    bug: 'abandoned attempt does not occupy its instance',
    file: ENDINGS,
    find: 'if (attempt && instance) this.#circuits.held(instance.crew);',
    plant: 'if (attempt && instance) this.#dispatcher().finish(instance);',
    by: [PROMISES],
  },
  {
    id: 16,
    bug: 'attempt timer starts at submit',
    file: 'src/actors/attempt.ts',
    find: 'this.dueMs = nowMs + task.timeoutMs;',
    plant: 'this.dueMs = task.acceptedAtMs + task.timeoutMs;',
    by: [PROMISES],
  },
  {
    id: 17,
    bug: 'abort listener left after success',
    file: 'src/actors/intake.ts',
    find: 'forgetSignals?.();\n      answer(result);',
    plant: 'answer(result);',
    by: ['test/queue/cancel.test.ts', 'test/faults/process-faults.test.ts'],
  },
  {
    id: 171,
    bug: 'attempt timer left after success',
    file: INSTANCE,
    find: 'this.#ports.deadlines.remove(attempt);\n    return attempt;\n  }\n\n  #complete',
    plant: 'return attempt;\n  }\n\n  #complete',
    by: [SIMULATION],
  },
  {
    id: 18,
    bug: 'caller told before the slot is free',
    file: 'src/actors/ledger.ts',
    find: "nowMs });\n    this.enter(task, 'settled');",
    plant: "nowMs });\n    queueMicrotask(() => queueMicrotask(() => this.enter(task, 'settled')));",
    by: [PROMISES],
  },
  {
    id: 19,
    bug: 'newcomer displaces an accepted task',
    file: 'src/actors/placement.ts',
    find: '} else this.enqueue(task, crew);\n  }\n\n  #refuseUnavailable',
    plant:
      '} else this.enqueue(task, crew);\n    if (crew.mailbox.isFull && crew.mailbox.size > 1) {\n      const oldest = crew.mailbox.take();\n      if (oldest) this.#ledger.refuse(oldest, errors.shuttingDown());\n    }\n  }\n\n  #refuseUnavailable',
    by: [PROMISES, QUEUE_FAULTS],
  },
  {
    id: 20,
    bug: 'batch results in order of completion',
    file: 'src/orchestrator.ts',
    find: 'results[index] = result;',
    plant: 'void index;\n      results.push(result);',
    by: [PROMISES],
  },
  {
    id: 21,
    bug: 'time measured on the wall clock',
    file: 'src/core/clock.ts',
    find: 'now: () => performance.now(),',
    plant: 'now: () => Date.now(),',
    by: ['test/core/clock.test.ts'],
  },
  {
    id: 22,
    bug: 'delay above 2^31-1 not clamped',
    file: 'src/core/clock.ts',
    find: 'Math.min(Math.ceil(delayMs), MAX_TIMER_MS)',
    plant: 'delayMs',
    by: ['test/faults/process-faults.test.ts'],
  },
  {
    id: 23,
    bug: "caller's bad input opens the circuit",
    file: INSTANCE,
    find: 'this.#tellCircuit(attempt, !failure.countsAgainstCircuit);',
    plant: 'this.#tellCircuit(attempt, false);',
    by: [SERVICE_FAULTS, CIRCUIT_FAULTS],
  },
  {
    id: 24,
    bug: 'NaN confidence reaches the sort',
    file: 'src/strategies/clean-ranking.ts',
    find: "typeof confidence !== 'number' || !(confidence >= 0 && confidence <= 1)",
    plant: "typeof confidence !== 'number' || confidence < 0 || confidence > 1",
    by: ['test/strategies/router-faults.test.ts'],
  },
  {
    id: 25,
    bug: 'idempotency key compared without its input',
    file: 'src/actors/idempotency.ts',
    find: "if (!isDeepStrictEqual(known.input, input)) return 'conflict';",
    plant: 'void isDeepStrictEqual;',
    by: [PROMISES],
  },
  {
    id: 29,
    bug: 'task accepted as drain begins never settles',
    file: SUPERVISOR,
    find: "for (const task of open) this.#endings.end(task, 'cancelled', error);",
    plant:
      "for (const task of open)\n      if (task.state !== 'queued') this.#endings.end(task, 'cancelled', error);",
    by: [PROMISES],
  },
  {
    id: 30,
    bug: 'drain waits for ever on an abandoned attempt',
    file: SUPERVISOR,
    find: 'return this.#ledger.open > 0;',
    plant: 'return this.#ledger.open + this.#ledger.abandoned > 0;',
    by: ['test/queue/waiting.test.ts', 'test/faults/process-faults.test.ts'],
  },
  {
    id: 31,
    bug: 'throwing listener fails the task',
    file: 'src/actors/call-guarded.ts',
    find: '} catch (cause) {\n    onFault(cause);\n  }',
    plant: '} catch (cause) {\n    onFault(cause);\n    throw cause;\n  }',
    by: [PROMISES],
  },
  {
    id: 32,
    bug: 'lowering maxParallel stops a running attempt',
    file: DISPATCHER,
    find: 'if (maxParallel !== undefined) this.maxParallel = maxParallel;',
    plant:
      "if (maxParallel !== undefined) this.maxParallel = maxParallel;\n    for (const { instances } of this.#roster.turns)\n      for (const { task } of instances)\n        if (task && this.#ledger.running > this.maxParallel) {\n          task.cancelRequest = { reason: 'the limit was lowered' };\n          this.#endInstead(task);\n        }",
    by: [QUEUE_FAULTS],
  },
  {
    id: 33,
    bug: 'retry budget not applied',
    file: 'src/actors/retry.ts',
    find: 'return question.retriesInFlight < budget;',
    plant: 'return question.retriesInFlight < budget || true;',
    by: [QUEUE_FAULTS],
  },
  {
    id: 34,
    bug: "one caller's leaving cancels another's task",
    file: 'src/actors/intake.ts',
    find: "supervisor.answerAtOnce(joiner, 'cancelled', errors.cancelled(reason));\n    };\n    const expire",
    plant:
      "supervisor.answerAtOnce(joiner, 'cancelled', errors.cancelled(reason));\n      for (const { instances } of supervisor.crews)\n        for (const { task } of instances)\n          if (task?.settings.idempotencyKey === key) supervisor.requestCancel(task, reason);\n    };\n    const expire",
    by: ['test/faults/races.test.ts', QUEUE_FAULTS],
  },
  {
    id: 35,
    bug: 'busy service spills into the fallback',
    file: 'src/actors/placement.ts',
    find: 'this.#roster.crewOf(service)?.isAvailable ?? false;',
    plant:
      '(this.#roster.crewOf(service)?.isAvailable ?? false) && (this.#roster.crewOf(service)?.hasRoom ?? false);',
    by: [PROMISES],
  },
  {
    id: 36,
    bug: 'already aborted signal not checked',
    file: 'src/actors/intake.ts',
    find: 'if (aborted) {\n      supervisor.answerAtOnce',
    plant: 'if (aborted === null) {\n      supervisor.answerAtOnce',
    by: [PROMISES],
  },
  {
    id: 101,
    bug: 'instances are held at this moment, not all the while',
    file: 'src/actors/circuit-watch.ts',
    find: 'if (crew.held) this.#deadlines.remove(crew.held);\n    crew.held = null;\n  }\n}',
    plant: 'void crew;\n  }\n}',
    by: [CIRCUIT_FAULTS, SERVICE_FAULTS],
  },
  {
    id: 102,
    bug: 'a probe that was cancelled while its instance was hired keeps the circuit half open',
    file: ENDINGS,
    find: 'task.crew.circuit.probeWithoutVerdict(task.crew.circuit.epoch, this.#clock.now());',
    plant: 'void 0;',
    by: ['test/faults/races.test.ts', CIRCUIT_FAULTS, SIMULATION],
  },
  {
    id: 103,
    bug: 'tasks that were delivered when the supervisor stopped are never answered',
    file: SUPERVISOR,
    find: 'for (const tasks of this.#delivered) this.refuse(tasks);',
    plant: 'void 0;',
    by: ['test/faults/reentrancy.test.ts', SIMULATION],
  },
  {
    id: 104,
    bug: 'the outcome of an attempt that just ended is lost when the supervisor stops',
    file: SUPERVISOR,
    find: 'for (let all = this.#reports.take(); all.length > 0; all = this.#reports.take()) this.settle(all);',
    plant: 'void 0;',
    by: ['test/faults/races.test.ts', SIMULATION],
  },
  {
    id: 105,
    bug: 'a service of quick tasks never passes its slot on',
    file: DISPATCHER,
    find: 'this.#startNext(crew, inARow + 1);',
    plant: 'this.#startNext(crew, 1);',
    by: ['test/queue/hand-over.test.ts'],
  },
  {
    id: 106,
    bug: 'a slot is kept past a task of higher priority',
    file: DISPATCHER,
    find: 'if (crew.headPriority < this.#roster.highestPriority) break;',
    plant: '',
    by: ['test/queue/hand-over.test.ts'],
  },
  {
    id: 107,
    bug: 'an instance without a task is never released',
    file: DISPATCHER,
    find: 'else this.#releasing ??= this.#clock.setTimeout(this.release, RELEASE_MS);',
    plant: 'else void 0;',
    by: ['test/actors/orchestrator.test.ts'],
  },
  {
    id: 108,
    bug: 'a retry begins beyond a lowered limit of its service',
    file: DISPATCHER,
    find: 'crew.isBeyondLimit || ',
    plant: '',
    by: ['test/queue/limits.test.ts'],
  },
  {
    id: 109,
    bug: 'a lowered limit waits for its event',
    file: DISPATCHER,
    find: 'if (maxParallel < this.maxParallel) this.maxParallel = maxParallel;',
    plant: '',
    by: ['test/faults/reentrancy.test.ts'],
  },
];
