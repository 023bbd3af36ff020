import type { ServiceProfile } from '../core/route.js';
import { CountedProfiles, type CountedService, type CountedText } from './counted-profiles.js';
import { FeatureTable, termWeight } from './feature-table.js';
import { FeatureCounts } from './features.js';
import type { LearnedWeights } from './learned-model.js';
import { type TrainingExample, trainSoftmax } from './softmax-training.js';

/** What a model is trained from; plain data, so that it can be sent to a thread. */
export interface TrainingJob {
  /** Services with their examples, corrections among them; 2 or more. */
  readonly profiles: readonly ServiceProfile[];
  /** Decides the order in which examples are seen: one seed and the same examples give the same model. */
  readonly seed: number;
}

/** Most weights of a model: training takes 8 bytes for each. Features of the fewest texts are left out beyond it. */
const MAX_WEIGHTS = 2 ** 25;

/** Trains a model. Pure; takes seconds for thousands of examples, so it belongs into a thread of its own. */
export function trainModel({ profiles, seed }: TrainingJob): LearnedWeights {
  const services = new CountedProfiles(new FeatureCounts()).of(profiles);
  const table = new FeatureTable();
  table.fill(services);
  const kept = keptRows(services, table);
  const rowByTableRow = new Int32Array(table.size).fill(-1);
  kept.forEach((tableRow, row) => {
    rowByTableRow[tableRow] = row;
  });
  const examples = services.flatMap(({ texts }, label) =>
    texts.map((text) => ({ ...vectorOf(text, table, rowByTableRow), label })),
  );
  const classCount = services.length;
  const weights = trainSoftmax({ examples, rowCount: kept.length, classCount, seed });
  const buckets = Int32Array.from(kept, (tableRow) => table.buckets[tableRow] as number);
  return {
    services: services.map(({ service }) => service),
    unseenRarity: table.unseenRarity,
    buckets,
    featureWeights: Float32Array.from(buckets, (bucket) => table.weightOf(bucket)),
    ...quantised(weights, classCount),
  };
}

/** Rows of the table that get weights, as many as {@link MAX_WEIGHTS} allows. */
function keptRows(services: readonly CountedService[], table: FeatureTable): number[] {
  const texts = new Int32Array(table.size);
  for (const { buckets } of services.flatMap((service) => service.texts)) {
    for (const bucket of buckets) texts[table.rowOf(bucket)] = (texts[table.rowOf(bucket)] as number) + 1;
  }
  const rows = Array.from(texts.keys());
  const most = Math.floor(MAX_WEIGHTS / services.length);
  if (rows.length <= most) return rows;
  return rows.sort((a, b) => (texts[b] as number) - (texts[a] as number) || a - b).slice(0, most);
}

function vectorOf(
  { buckets, counts }: CountedText,
  table: FeatureTable,
  rowByTableRow: Int32Array,
): Omit<TrainingExample, 'label'> {
  const rows: number[] = [];
  const values: number[] = [];
  let squares = 0;
  buckets.forEach((bucket, i) => {
    const value = termWeight(counts[i] as number) * table.weightOf(bucket);
    squares += value * value;
    const row = rowByTableRow[table.rowOf(bucket)] as number;
    if (row < 0) return;
    rows.push(row);
    values.push(value);
  });
  const norm = Math.sqrt(squares);
  return { rows: Int32Array.from(rows), values: Float64Array.from(values, (value) => value / norm) };
}

/** A byte per weight and a scale per row: a quarter of the size, with the same routes but for a few in ten thousand. */
function quantised(weights: Float32Array, classCount: number): Pick<LearnedWeights, 'scales' | 'weights'> {
  const scales = new Float32Array(weights.length / classCount);
  const bytes = new Int8Array(weights.length);
  for (let row = 0; row < scales.length; row++) {
    const start = row * classCount;
    let largest = 0;
    for (let k = start; k < start + classCount; k++)
      largest = Math.max(largest, Math.abs(weights[k] as number));
    if (largest === 0) continue;
    scales[row] = largest / 127;
    for (let k = start; k < start + classCount; k++) {
      bytes[k] = Math.round((127 * (weights[k] as number)) / largest);
    }
  }
  return { scales, weights: bytes };
}
