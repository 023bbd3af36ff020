export type { RecentEvents } from './actors/event-log.js';
export type { RunningTask, WaitingTask } from './actors/insight.js';
export type { OrchestratorEvents } from './actors/queue-events.js';
export { type RegistryChange, type ServiceDefinition, ServiceRegistry } from './actors/registry.js';
export { systemClock, systemEnvironment } from './core/clock.js';
export {
  ExecutionConfig,
  type ExecutionConfigInput,
  type ExecutionConfigParts,
  type RoutingConfig,
  type TaskConfig,
} from './core/config.js';
export type {
  Engine,
  EngineCapabilities,
  EngineLimits,
  EngineRoute,
  EngineRuntime,
  EngineTask,
  EngineTaskSettings,
  KeptStatus,
  KeptTask,
  LimitChange,
  Shelf,
  TaskArchive,
  TaskDetail,
  TaskFilter,
  TaskKeeper,
  TaskSummary,
} from './core/engine.js';
export type { EngineOptions } from './core/engine-config.js';
export type { Clock, Environment, Log } from './core/environment.js';
export { type ErrorCode, OrchestratorError, type OrchestratorErrorOptions } from './core/errors.js';
export type {
  CircuitEvent,
  RateLimitEvent,
  ResizedEvent,
  RestaffedEvent,
  RuntimeEvent,
  TaskEvent,
} from './core/events.js';
export { extendContext } from './core/extended-context.js';
export type { MachineDocument } from './core/machine-document.js';
export type { AskModel, EmbedTexts, ModelQuestion } from './core/model-ports.js';
export type { ChangeListener, OrchestratorPort, OrchestratorStats } from './core/orchestrator-port.js';
export type { RateLimit, RateLimitInput } from './core/rate-limiter.js';
export type { TaskResult, TaskStatus } from './core/result.js';
export type {
  Ranked,
  Route,
  RouteCandidate,
  RouteContext,
  RouteOutcome,
  RouteReason,
  RoutingStrategy,
  ServiceProfile,
} from './core/route.js';
export type {
  InstanceState,
  Service,
  ServiceContext,
  ServiceFunction,
  ServiceInput,
  ServiceSettings,
  ServiceStatus,
} from './core/service.js';
export type { BatchOptions, Subtask, SubtasksOptions, TaskInput, TaskOptions } from './core/task.js';
export type { TracedAttempt, TracedTask, TraceHeaders, Tracing } from './core/tracing.js';
export {
  LearnedStrategy,
  type LearnedStrategyOptions,
  type TrainOptions,
} from './learning/learned-strategy.js';
export {
  createOrchestrator,
  Orchestrator,
  type OrchestratorOptions,
  type TaskHandle,
} from './orchestrator.js';
export { type HttpServiceOptions, httpService } from './services/http.js';
export type { McpService, McpTool } from './services/mcp/downstream.js';
export { type McpServiceOptions, mcpService } from './services/mcp/mcp-service.js';
export { fileToolLock, type ToolHashes, type ToolLock } from './services/mcp/tool-lock.js';
export { type ModuleServiceOptions, moduleService } from './services/module.js';
export { createOpenAIService, createToolPlanner, type OpenAIOptions } from './services/openai.js';
export {
  type OpenAIAskOptions,
  type OpenAIEmbedOptions,
  openaiAsk,
  openaiEmbed,
} from './services/openai-ports.js';
export { type ReplicaOptions, replicated } from './services/replicas.js';
export { type SubprocessOptions, subprocessService } from './services/subprocess.js';
export type { PlannableTool, PlannedCall, ToolPlanner } from './services/tool-planner.js';
export { CapabilityStrategy, type LabelledTask } from './strategies/capability-strategy.js';
export {
  type CompositeMode,
  CompositeStrategy,
  type CompositeStrategyOptions,
  type WeightedStrategy,
} from './strategies/composite-strategy.js';
export type { ThresholdFigures } from './strategies/confidence-curve.js';
export { EmbeddingStrategy, type EmbeddingStrategyOptions } from './strategies/embedding-strategy.js';
export {
  type Confusion,
  type EvaluatedRouter,
  evaluateRouting,
  type RoutingEvaluation,
  type ServiceEvaluation,
} from './strategies/evaluation.js';
export type { RoutingAdvice } from './strategies/evaluation-advice.js';
export { FunctionStrategy, type RouteFunction } from './strategies/function-strategy.js';
export { KeywordStrategy, type KeywordStrategyOptions } from './strategies/keyword-strategy.js';
export { LlmStrategy, type LlmStrategyOptions } from './strategies/llm-strategy.js';
export { stemOf } from './strategies/words.js';
