export * from './office.js';
