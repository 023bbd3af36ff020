import { expect, it } from 'vitest';
import * as aiSdk from '../../src/adapters/ai-sdk.js';
import * as claudeAgentSdk from '../../src/adapters/claude-agent-sdk.js';
import * as langchain from '../../src/adapters/langchain.js';
import * as mastra from '../../src/adapters/mastra.js';
import * as mcpV1 from '../../src/adapters/mcp-v1.js';
import * as openaiAgents from '../../src/adapters/openai-agents.js';
import * as xstate from '../../src/adapters/xstate.js';
import * as gaffr from '../../src/index.js';
import * as telemetry from '../../src/inspect/telemetry.js';
import * as mcp from '../../src/mcp/index.js';
import * as worker from '../../src/worker.js';

it('the package exports exactly these names', () => {
  expect(Object.keys(gaffr).sort()).toEqual([
    'CapabilityStrategy',
    'CompositeStrategy',
    'EmbeddingStrategy',
    'ExecutionConfig',
    'FunctionStrategy',
    'KeywordStrategy',
    'LearnedStrategy',
    'LlmStrategy',
    'Orchestrator',
    'OrchestratorError',
    'ServiceRegistry',
    'createOpenAIService',
    'createOrchestrator',
    'createToolPlanner',
    'evaluateRouting',
    'extendContext',
    'fileToolLock',
    'httpService',
    'mcpService',
    'moduleService',
    'openaiAsk',
    'openaiEmbed',
    'replicated',
    'stemOf',
    'subprocessService',
    'systemClock',
    'systemEnvironment',
  ]);
});

it('gaffr/worker exports exactly these names', () => {
  expect(Object.keys(worker)).toEqual(['startWorker']);
});

it('gaffr/telemetry exports exactly these names', () => {
  expect(Object.keys(telemetry).sort()).toEqual([
    'checkHistory',
    'createFlightRecorder',
    'createMetrics',
    'logTasks',
    'openTelemetryMetrics',
    'openTelemetryTracing',
    'parseHistory',
    'playHistory',
  ]);
});

it('gaffr/mcp exports exactly these names', () => {
  expect(Object.keys(mcp).sort()).toEqual([
    'createMcpHttpHandler',
    'createMcpServer',
    'createResourceServer',
    'serveHttp',
  ]);
});

it('gaffr/mcp-v1 exports exactly these names', () => {
  expect(Object.keys(mcpV1)).toEqual(['RunStore', 'registerTools']);
});

it.each([
  [
    'ai-sdk',
    aiSdk,
    [
      'aiSdkTools',
      'embeddingModelEmbed',
      'fromAiSdkAgent',
      'fromLanguageModel',
      'languageModelAsk',
      'languageModelPlanner',
    ],
  ],
  ['claude-agent-sdk', claudeAgentSdk, ['claudeAgentTools']],
  ['langchain', langchain, ['fromLangGraph', 'langchainTools']],
  ['mastra', mastra, ['fromMastraAgent', 'mastraTools']],
  ['openai-agents', openaiAgents, ['fromOpenAIAgent', 'openaiAgentTools']],
  ['xstate', xstate, ['orchestratorLogic']],
])('gaffr/%s exports exactly these names', (_name, exported, names) => {
  expect(Object.keys(exported).sort()).toEqual(names);
});
