import { Redactor } from '../core/redactor.js';

/** The secrets of this process: what it prints and logs goes through here. */
export const processRedactor = new Redactor();
