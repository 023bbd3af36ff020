import { execFileSync } from 'node:child_process';
import { afterEach } from 'vitest';
import type { Service, ServiceContext } from '../../src/core/service.js';
import { type ModuleServiceOptions, moduleService } from '../../src/services/module.js';
import { contextOf } from './service-context.js';

/** The module whose exports show one behaviour each. */
export const behaviours = new URL('../fixtures/modules/behaviours.mjs', import.meta.url);

export const isolations = ['thread', 'process'] as const;

const opened: Service[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((service) => service.close?.()));
});

/** A service of one behaviour; closed when the test ends. */
export function open(name: string, options: Partial<ModuleServiceOptions> = {}): Service {
  const service = moduleService({ module: behaviours, export: name, ...options });
  opened.push(service);
  return service;
}

/** One attempt. */
export async function attempt(
  service: Service,
  fields: Partial<ServiceContext> = {},
  task = '',
): Promise<unknown> {
  return service.execute(task, contextOf(fields));
}

/** An attempt that can be given up; its own failure is never unhandled. */
export function begin(service: Service, fields: Partial<ServiceContext> = {}) {
  const controller = new AbortController();
  const ended = attempt(service, { ...fields, signal: controller.signal });
  ended.catch(() => {});
  return { ended, giveUp: () => controller.abort(new Error('given up by the test')) };
}

/** Processes of these groups that are not dead and merely unburied. */
export function membersOf(...groupIds: number[]): string[] {
  return execFileSync('ps', ['-eo', 'pgid=,pid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => {
      const [group, , state] = line.trim().split(/\s+/);
      return groupIds.includes(Number(group)) && !state?.startsWith('Z');
    });
}

/** Runs something and tells how long it took, in milliseconds. */
export async function timed(work: Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work.catch(() => {});
  return performance.now() - startedMs;
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks again and again, for 2 s at most. */
export async function eventually(isTrue: () => boolean): Promise<boolean> {
  const untilMs = performance.now() + 2000;
  while (!isTrue()) {
    if (performance.now() > untilMs) return false;
    await sleep(20);
  }
  return true;
}
