import { journalPath } from '../support.js';
import { engineContract } from './contract.js';

engineContract({ name: 'local', fresh: () => ({ kind: 'local' }) });
engineContract({ name: 'journal', fresh: () => ({ kind: 'journal', path: journalPath() }) });
