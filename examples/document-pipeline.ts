// A document pipeline: forty PDFs in, one table out, and a picture of how fast it went, drawn from the orchestrator's events.
// The PDFs are read in two threads; one file is broken, and costs nobody but itself. Give a folder to keep what it writes.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createOrchestrator,
  ExecutionConfig,
  moduleService,
  type RuntimeEvent,
  type TaskResult,
} from 'gaffr';
import { throughputChart } from './pipeline/throughput-chart.js';
import { invoicePdf } from './pipeline/write-invoice.js';

interface Invoice {
  readonly number: string;
  readonly customer: string;
  readonly total: number;
}

const asked = process.argv[2];
const folder = asked ?? mkdtempSync(join(tmpdir(), 'gaffr-pipeline-'));
mkdirSync(folder, { recursive: true });

const customers = ['Northwind Reading Rooms', 'Corner Bakery', 'Harbour City Library'];
const invoices = Array.from({ length: 40 }, (_, at): Invoice => {
  const number = `2024-${String(at + 101)}`;
  return { number, customer: customers[at % customers.length] ?? '', total: 1000 + at * 12.5 };
});
const paths = invoices.map(({ number, customer, total }) => {
  const path = join(folder, `${number}.pdf`);
  writeFileSync(path, invoicePdf(number, customer, total));
  return path;
});
const broken = join(folder, 'broken.pdf');
writeFileSync(broken, 'not a PDF at all');
paths.splice(20, 0, broken);

const orchestrator = createOrchestrator({
  services: {
    invoices: moduleService({
      module: new URL('pipeline/read-invoice.mjs', import.meta.url),
      isolate: 'thread',
      description: 'Reads invoices from PDF files',
      concurrency: 2,
    }),
  },
  config: ExecutionConfig.create({ maxParallel: 4, timeoutSeconds: 10, deadlineSeconds: 50 }),
});
const events: RuntimeEvent[] = [];
orchestrator.on('event', (event) => events.push(event));

try {
  const results = await orchestrator.executeParallel(
    paths.map((path) => ({ task: 'Read the invoice', kwargs: { path } })),
  );
  const rows = results.flatMap(({ success, result }) => (success ? [result as Invoice] : []));
  const table = [
    'number,customer,total',
    ...rows.map(({ number, customer, total }) => `${number},${customer},${total.toFixed(2)}`),
  ].join('\n');
  const chart = throughputChart(events);
  writeFileSync(join(folder, 'invoices.csv'), `${table}\n`);
  writeFileSync(join(folder, 'throughput.svg'), chart);
  for (const failed of results.filter(({ success }) => !success)) console.log(`left out: ${failed.error}`);
  for (const customer of customers) {
    const theirs = rows.filter((row) => row.customer === customer);
    const total = theirs.reduce((sum, row) => sum + row.total, 0);
    console.log(customer.padEnd(24), String(theirs.length).padStart(3), total.toFixed(2).padStart(10));
  }
  console.log(/<title>(.*)<\/title>/.exec(chart)?.[1]);
  check(results, rows, chart);
} finally {
  await orchestrator.close();
  if (asked === undefined) rmSync(folder, { recursive: true });
}

/** The answers stand in the order of the files, whoever was done first, and the picture tells of each. */
function check(results: readonly TaskResult[], rows: readonly Invoice[], chart: string): void {
  assert.deepEqual(rows, invoices);
  assert.deepEqual(
    results.flatMap(({ errorCode }, at) => (errorCode === null ? [] : [[paths[at], errorCode]])),
    [[broken, 'INVALID_INPUT']],
  );
  assert.match(chart, /<title>41 tasks in /);
  assert.match(chart, /running, at most 2</);
}
