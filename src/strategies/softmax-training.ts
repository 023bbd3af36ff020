import { randomFrom } from './seeded-random.js';

/** One example: the rows of its features, their values (a unit vector, or part of one), and the class it belongs to. */
export interface TrainingExample {
  readonly rows: Int32Array;
  readonly values: Float64Array;
  readonly label: number;
}

/** What to train on, and how. */
export interface TrainingOptions {
  readonly examples: readonly TrainingExample[];
  readonly rowCount: number;
  readonly classCount: number;
  /** Decides the order of the examples: one seed, one model. */
  readonly seed: number;
}

/** Times that each example is seen. Further ones change next to nothing. */
const EPOCHS = 12;

/** Step of the descent; AdaGrad lowers it for each weight by what has been learned there. */
const STEP = 0.3;

/** What AdaGrad takes to have been learned of each weight at the start: the higher, the shorter the first steps. */
const FIRST_SQUARE = 1e-2;

/** Share of the truth that goes to all classes alike, so that no example has to be learned to certainty. */
const SMOOTHING = 0.1;

/**
 * Softmax regression by stochastic descent (AdaGrad, cross-entropy with smoothed labels).
 *
 * @returns Weights by row, then class: `weights[row * classCount + class]`.
 */
export function trainSoftmax({ examples, rowCount, classCount, seed }: TrainingOptions): Float32Array {
  const weights = new Float32Array(rowCount * classCount);
  const squares = new Float32Array(rowCount * classCount).fill(FIRST_SQUARE);
  const random = randomFrom(seed);
  const order = Array.from(examples.keys());
  const errors = new Float64Array(classCount);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    shuffle(order, random);
    for (const at of order) {
      const example = examples[at] as TrainingExample;
      predict(example, weights, errors);
      for (let k = 0; k < classCount; k++) errors[k] = (errors[k] as number) - SMOOTHING / classCount;
      errors[example.label] = (errors[example.label] as number) - (1 - SMOOTHING);
      descend(example, errors, weights, squares);
    }
  }
  return weights;
}

/**
 * How far above the mean of all classes the score of an example's own class would come if it were learned perfectly: the
 * unit in which scores of models with few and with many classes mean the same.
 */
export function perfectScore(classCount: number): number {
  const others = SMOOTHING / classCount;
  return (Math.log((1 - SMOOTHING + others) / others) * (classCount - 1)) / classCount;
}

/** The probability of each class, into `probabilities`. */
function predict(
  { rows, values }: TrainingExample,
  weights: Float32Array,
  probabilities: Float64Array,
): void {
  const classCount = probabilities.fill(0).length;
  for (let i = 0; i < rows.length; i++) {
    const value = values[i] as number;
    const start = (rows[i] as number) * classCount;
    for (let k = 0; k < classCount; k++) {
      probabilities[k] = (probabilities[k] as number) + value * (weights[start + k] as number);
    }
  }
  softmax(probabilities);
}

function descend(
  { rows, values }: TrainingExample,
  errors: Float64Array,
  weights: Float32Array,
  squares: Float32Array,
): void {
  const classCount = errors.length;
  for (let i = 0; i < rows.length; i++) {
    const value = values[i] as number;
    const start = (rows[i] as number) * classCount;
    for (let k = 0; k < classCount; k++) {
      const weight = weights[start + k] as number;
      const gradient = value * (errors[k] as number);
      const square = (squares[start + k] as number) + gradient * gradient;
      squares[start + k] = square;
      weights[start + k] = weight - (STEP * gradient) / Math.sqrt(square);
    }
  }
}

/** Turns scores into probabilities, in place. */
function softmax(scores: Float64Array): void {
  let most = Number.NEGATIVE_INFINITY;
  for (const score of scores) if (score > most) most = score;
  let sum = 0;
  for (let k = 0; k < scores.length; k++) {
    const share = Math.exp((scores[k] as number) - most);
    scores[k] = share;
    sum += share;
  }
  for (let k = 0; k < scores.length; k++) scores[k] = (scores[k] as number) / sum;
}

/** Fisher–Yates. */
function shuffle(order: number[], random: () => number): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const kept = order[i] as number;
    order[i] = order[j] as number;
    order[j] = kept;
  }
}
