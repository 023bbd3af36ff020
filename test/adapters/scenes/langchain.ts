import { AIMessage } from '@langchain/core/messages';
import { fakeModel } from 'langchain';

export * from './office.js';

export const model = fakeModel()
  .respondWithTools([{ name: 'execute', args: { task: 'Read invoice.pdf' }, id: 'c1' }])
  .respond(new AIMessage('It is invoice 2024-117.'))
  .respond(new AIMessage('It is invoice 2024-117.'));
