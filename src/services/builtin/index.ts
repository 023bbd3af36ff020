/** The built-in services, each with the schema of its options. */
export { chatOptionsSchema, createChatService } from './chat.js';
export { createReasoningService, reasoningOptionsSchema } from './reasoning.js';
export { createResponsesService, responsesOptionsSchema } from './responses.js';
export { createVisionService, visionOptionsSchema } from './vision.js';
