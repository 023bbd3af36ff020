import { createOrchestrator } from 'gaffr';

/** The services of the page's reader. */
export const services = {
  files: {
    description: 'Reads text out of PDFs and images',
    keywords: ['read', 'pdf'],
    execute: () => ({ text: 'Invoice 2024-117' }),
  },
  chat: () => 'hello',
};

export const orchestrator = createOrchestrator({ services });
export const { signal } = new AbortController();
export const task = 'Read invoice.pdf';
export const prompt = 'Read invoice.pdf';
