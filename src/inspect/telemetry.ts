/** Figures, traces, logs and records of what an orchestrator does: the public names of `gaffr/telemetry`, nothing else. */
export { checkHistory, type History, parseHistory } from '../core/history.js';
export type { HistoryCut } from '../core/history-cut.js';
export type { HistoryEvent, HistoryLimits, HistoryReport, Violation } from '../core/history-event.js';
export type { OpenTask } from '../core/history-state.js';
export {
  createFlightRecorder,
  type FlightRecorder,
  type FlightRecorderOptions,
} from './flight-recorder.js';
export type { RecordedOrchestrator } from './history-lines.js';
export {
  type HistoryFrame,
  type HistoryPlayer,
  type InstanceFrame,
  playHistory,
  type ServiceFrame,
  type TaskStretch,
} from './history-player.js';
export { type OpenTelemetryMetricsOptions, openTelemetryMetrics } from './meter.js';
export { createMetrics, type Metrics } from './metrics.js';
export type { ObservedOrchestrator } from './observed.js';
export { logTasks } from './task-log.js';
export { type OpenTelemetryOptions, openTelemetryTracing } from './tracing.js';
