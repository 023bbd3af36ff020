/** Small source trees: one that breaks each rule, and some that break none. Paths are those of src. */

/** Rule → files that break it and no other rule. */
export const violations = {
  'layer-core': {
    'core/task.ts': "import type { Strategy } from '../strategies/keyword.js';",
    'strategies/keyword.ts': '',
  },
  'layer-strategies': { 'strategies/llm.ts': "import '../services/openai.js';", 'services/openai.ts': '' },
  'layer-machines': {
    'machines/service.machine.ts': "import '../actors/mailbox.js';",
    'actors/mailbox.ts': '',
  },
  'layer-services': { 'services/http.ts': "export * from '../config/schema.js';", 'config/schema.ts': '' },
  'layer-actors': {
    'actors/supervisor.ts': "import '../strategies/keyword.js';",
    'strategies/keyword.ts': '',
  },
  'layer-learning': {
    'learning/training-thread.ts': "import '../actors/registry.js';",
    'actors/registry.ts': '',
  },
  'layer-engines': { 'engines/local.ts': "import '../services/module.js';", 'services/module.ts': '' },
  'layer-config': { 'config/load.ts': "import '../actors/registry.js';", 'actors/registry.ts': '' },
  'layer-mcp': { 'mcp/server.ts': "import '../orchestrator.js';", 'orchestrator.ts': '' },
  'layer-inspect': { 'inspect/page.ts': "import type { Tool } from '../mcp/tools.js';", 'mcp/tools.ts': '' },
  'layer-adapters': {
    'adapters/ai-sdk.ts': "await import('../actors/registry.js');",
    'actors/registry.ts': '',
  },
  'layer-adapters-mcp-v1': {
    'adapters/mcp-v1.ts': "import '../services/mcp/client.js';",
    'services/mcp/client.ts': '',
  },
  'layer-orchestrator': { 'orchestrator.ts': "import './mcp/server.js';", 'mcp/server.ts': '' },
  'layer-worker': { 'worker.ts': "import './mcp/server.js';", 'mcp/server.ts': '' },
  'layer-index': { 'index.ts': "export * from './cli/arguments.js';", 'cli/arguments.ts': '' },
  'packages-core': { 'core/config.ts': "import { readFileSync } from 'node:fs';" },
  'packages-strategies': { 'strategies/keyword.ts': "import MiniSearch from 'minisearch';" },
  'packages-machines': { 'machines/service.machine.ts': "import { EventEmitter } from 'eventemitter3';" },
  'packages-actors': { 'actors/supervisor.ts': "import { pino } from 'pino';" },
  'only-for-xstate': { 'orchestrator.ts': "import type { ActorRef } from 'xstate';" },
  'only-for-zod': { 'engines/journal.ts': "import * as z from 'zod';" },
  'only-for-mcp-sdk': { 'services/http.ts': "import { Client } from '@modelcontextprotocol/client';" },
  'only-for-restate': { 'engines/local.ts': "await import('@restatedev/restate-sdk');" },
  'only-for-libsql': { 'cli/tasks.ts': "import type Database from 'libsql';" },
  'inspect-types-only': {
    'inspect/stately.ts': "import '../actors/supervisor.js';",
    'actors/supervisor.ts': '',
  },
  'no-static-optional': { 'services/vision.ts': "import { createWorker } from 'tesseract.js';" },
  'no-cycle': { 'core/a.ts': "import './b.js';", 'core/b.ts': "export * from './a.js';" },
  'no-orphan': { 'index.ts': "export * from './core/task.js';", 'core/task.ts': '', 'core/left-over.ts': '' },
  'no-missing-file': { 'cli/main.ts': "import './gone.js';" },
  'no-unknown-folder': { 'cli/main.ts': "import '../utils/text.js';", 'utils/text.ts': '' },
};

/** What it shows → files that break no rule. */
export const sound = {
  'each folder on its own packages': {
    'core/config.ts': "import * as z from 'zod';",
    'strategies/keyword.ts': "import { stemmer } from 'stemmer'; import '../core/config.js';",
    'machines/service.machine.ts': "import { setup } from 'xstate';",
    'actors/supervisor.ts': "import { createActor } from 'xstate'; import '../machines/service.machine.js';",
    'services/mcp/client.ts': "import { Client } from '@modelcontextprotocol/client';",
    'engines/restate/worker.ts':
      "import type * as restate from '@restatedev/restate-sdk'; import '../../actors/supervisor.js';",
  },
  'an optional package, lazily and by its types': {
    'services/vision.ts': "import type { Worker } from 'tesseract.js'; await import('tesseract.js');",
  },
  'two files of a folder that know each other by type': {
    'actors/mailbox.ts': "import type { Task } from './task.js';",
    'actors/task.ts': "import { Mailbox } from './mailbox.js';",
  },
  'the composition root over the folders below it, the faces over core': {
    'index.ts': "export * from './orchestrator.js';",
    'orchestrator.ts':
      "import './engines/local.js'; import './config/load.js'; import './strategies/keyword.js';",
    'engines/local.ts': '',
    'config/load.ts': "import '../strategies/keyword.js';",
    'strategies/keyword.ts': '',
    'adapters/mcp-v1.ts': "import '../mcp/tools.js'; await import('@modelcontextprotocol/sdk/types.js');",
    'mcp/tools.ts': '',
    'cli/main.ts': "import '../mcp/tools.js'; import '../orchestrator.js'; import '../inspect/page.js';",
    'inspect/page.ts':
      "import type { Supervisor } from '../actors/supervisor.js'; import type { Actor } from 'xstate';",
    'actors/supervisor.ts': '',
  },
};
