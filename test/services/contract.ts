/** What every kind of service must do, whatever is behind it. */

import { describe, expect, it, onTestFinished } from 'vitest';
import type { ErrorCode } from '../../src/core/errors.js';
import { failureOf } from '../../src/core/failure.js';
import type { Service } from '../../src/core/service.js';
import { contextOf } from './service-context.js';

/** One kind of service, with a program behind it that behaves as `test/fixtures/servers/behave.mjs` does. */
export interface ServiceKind {
  readonly name: string;
  /** Results of more than {@link MAX_RESULT_BYTES} are to be refused. */
  readonly make: () => Promise<Service> | Service;
  /** The text in a result. */
  readonly textOf: (result: unknown) => string;
  /** What the death of the program is told as; null where the program is this process. */
  readonly crash: ErrorCode | null;
  /** Whether a program that died comes back by itself. */
  readonly comesBack: boolean;
  /** False where a result comes without steps. */
  readonly tellsProgress?: boolean;
}

export const MAX_RESULT_BYTES = 256 * 1024;
let nextTask = 1;
/** An attempt that was given up is over within that time. */
const PROMPT_MS = 1000;

export function serviceContract({
  name,
  make,
  textOf,
  crash,
  comesBack,
  tellsProgress = true,
}: ServiceKind): void {
  const open = async (): Promise<Service> => {
    const service = await make();
    onTestFinished(async () => {
      await service.close?.();
    });
    return service;
  };
  const run = async (service: Service, task: string, fields = {}): Promise<string> =>
    textOf(await service.execute(task, contextOf({ taskId: `task-${nextTask++}`, ...fields })));

  describe(`contract of a service: ${name}`, () => {
    it('answers, several tasks at once', async () => {
      const service = await open();
      const words = ['one', 'two', 'tree 🌳', '"; rm -rf / $(id)'];
      const answers = await Promise.all(words.map((word) => run(service, `echo ${word}`)));
      expect(answers).toEqual(words);
    });

    it('tells a refusal in its own words, which is final and no fault of the service', async () => {
      const service = await open();
      const cause = await run(service, 'fail').catch((error: unknown) => error);
      const failure = failureOf(cause, name, 1);
      expect(failure.error.message).toContain('the cupboard is bare');
      expect(failure).toMatchObject({ countsAgainstCircuit: false, retryable: false });
      expect(await run(service, 'echo again')).toBe('again');
    });

    it('ends promptly when it is given up, before and during its work', async () => {
      const service = await open();
      const reason = new Error('given up by the test');
      await expect(run(service, 'hang', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      await run(service, 'echo warm');
      const controller = new AbortController();
      const startedMs = performance.now();
      const ended = run(service, 'hang', { signal: controller.signal });
      setTimeout(() => controller.abort(reason), 30);
      await expect(ended).rejects.toBe(reason);
      expect(performance.now() - startedMs).toBeLessThan(PROMPT_MS);
      expect(await run(service, 'echo next')).toBe('next');
    });

    if (tellsProgress)
      it('tells progress that rises, and none after its result', async () => {
        const service = await open();
        const told: number[] = [];
        const progress = (fraction: number): unknown => told.push(fraction);
        expect(await run(service, 'progress', { progress })).toBe('all steps');
        const count = told.length;
        expect(count).toBeGreaterThan(0);
        expect(told).toEqual([...told].sort((a, b) => a - b));
        await new Promise((resolve) => setTimeout(resolve, 30));
        expect(told).toHaveLength(count);
      });

    // Code in this very process cannot die alone.
    if (crash !== null)
      it('tells a death in the middle of work, and comes back', async () => {
        const service = await open();
        await run(service, 'echo warm');
        const startedMs = performance.now();
        await expect(run(service, 'crash')).rejects.toMatchObject({ code: crash, isTransportFault: true });
        expect(performance.now() - startedMs).toBeLessThan(PROMPT_MS);
        if (comesBack) expect(await run(service, 'echo back')).toBe('back');
      });

    it('stands a flood beside the answer', async () => {
      const service = await open();
      expect(await run(service, 'flood')).toBe('after the flood');
    });

    it('refuses a giant result while it is read', async () => {
      const service = await open();
      await expect(run(service, `giant ${4 * MAX_RESULT_BYTES}`)).rejects.toMatchObject({
        code: 'RESULT_TOO_LARGE',
      });
      expect(await run(service, 'echo small')).toBe('small');
    });

    it('close() gives up what runs, and may be called twice', async () => {
      const service = await open();
      const ended = run(service, 'hang');
      ended.catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 50));
      await service.close?.();
      await service.close?.();
      if (crash !== null) await expect(ended).rejects.toThrow();
    });
  });
}
