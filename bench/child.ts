/** Runs one contestant once and prints its sample as JSON: `node --expose-gc child.js <bench> <contestant> [data]`. */
import { findBench } from './benches.js';
import { plainStopwatch } from './stopwatch.js';

const [benchName = '', contestantName = '', dataFolder] = process.argv.slice(2);
const { contestants } = await findBench(benchName, dataFolder);
const contestant = contestants.find(({ name }) => name === contestantName);
if (contestant === undefined) throw new Error(`The bench "${benchName}" has no "${contestantName}".`);

const { tasks, wallMs, cpuMicros, figures, details } = await contestant.run(plainStopwatch);
process.stdout.write(JSON.stringify({ tasks, wallMs, cpuMicros, figures, details }));
