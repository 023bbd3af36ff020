// A thread does not inherit the loader that runs TypeScript: https://github.com/privatenumber/tsx/issues/354
import { register } from 'tsx/esm/api';

register();
await import('./simulation-worker.js');
