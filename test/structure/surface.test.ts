import { expect, it } from 'vitest';
import * as gaffr from '../../src/index.js';

it('the package exports exactly these names', () => {
  expect(Object.keys(gaffr).sort()).toEqual([
    'CapabilityStrategy',
    'CompositeStrategy',
    'ExecutionConfig',
    'FunctionStrategy',
    'KeywordStrategy',
    'Orchestrator',
    'OrchestratorError',
    'ServiceRegistry',
    'createOrchestrator',
    'moduleService',
    'replicated',
    'systemClock',
    'systemEnvironment',
  ]);
});
