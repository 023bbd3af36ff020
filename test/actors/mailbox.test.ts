import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mailbox } from '../../src/actors/mailbox.js';
import { TaskRecord, type TaskSettings } from '../../src/actors/task-record.js';

const settings: TaskSettings = {
  service: null,
  kwargs: null,
  priority: 0,
  timeoutMs: 1000,
  queueTimeoutMs: null,
  deadlineMs: null,
  maxRetries: 0,
  idempotencyKey: null,
  onProgress: null,
  traceparent: null,
  origin: undefined,
};
const task = (id: string, priority = 0): TaskRecord =>
  new TaskRecord(id, id, { ...settings, priority }, 0, () => {});
const idsOf = (mailbox: Mailbox): string[] => [...mailbox].map(({ id }) => id);

describe('Mailbox', () => {
  it('gives higher priorities first and keeps the order among equals', () => {
    const mailbox = new Mailbox(10);
    for (const each of [task('a'), task('b', 5), task('c'), task('d', 5), task('e', -1)]) mailbox.put(each);
    expect(idsOf(mailbox)).toEqual(['b', 'd', 'a', 'c', 'e']);
    expect(mailbox.headPriority).toBe(5);
  });

  it('puts tasks that come back before all others', () => {
    const mailbox = new Mailbox(10);
    mailbox.put(task('a', 9));
    mailbox.putBack(task('b'));
    mailbox.putBack(task('c'));
    expect(idsOf(mailbox)).toEqual(['b', 'c', 'a']);
  });

  it('moves a waiting task to another priority', () => {
    const mailbox = new Mailbox(10);
    const late = task('late');
    for (const each of [task('a'), task('b'), late]) mailbox.put(each);
    mailbox.reprioritise(late, 1);
    expect(idsOf(mailbox)).toEqual(['late', 'a', 'b']);
  });

  it('agrees with a sorted list whatever is put, taken and removed', () => {
    const command = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), priority: fc.integer({ min: -2, max: 2 }) }),
      fc.record({ kind: fc.constant('take' as const) }),
      fc.record({ kind: fc.constant('remove' as const), at: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const mailbox = new Mailbox(Number.POSITIVE_INFINITY);
        let model: TaskRecord[] = [];
        let count = 0;
        for (const each of commands) {
          if (each.kind === 'put') {
            const record = task(`t${count++}`, each.priority);
            mailbox.put(record);
            const behind = model.findIndex(({ priority }) => priority < each.priority);
            model.splice(behind < 0 ? model.length : behind, 0, record);
          } else if (each.kind === 'take') {
            expect(mailbox.take()).toBe(model.shift());
          } else if (model.length > 0) {
            const record = model[each.at % model.length] as TaskRecord;
            mailbox.remove(record);
            model = model.filter((other) => other !== record);
          }
          expect(mailbox.size).toBe(model.length);
          expect([...mailbox]).toEqual(model);
        }
      }),
    );
  });
});
