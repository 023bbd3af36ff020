import { nearest } from '../core/nearest.js';
import type { Service, ServiceInput, ServiceSettings } from '../core/service.js';

/** A list that the compiler keeps complete. */
const FIELDS: Readonly<Record<keyof Service | keyof ServiceSettings, true>> = {
  execute: true,
  close: true,
  onProfileChange: true,
  service: true,
  description: true,
  keywords: true,
  capabilities: true,
  examples: true,
  concurrency: true,
  rateLimit: true,
  idempotent: true,
  tools: true,
  trusted: true,
  timeoutSeconds: true,
  maxRetries: true,
};

/**
 * Fields of a plain object that are almost those of a service. An object of a class may hold what it likes, and so may
 * a plain one in fields that look like no other.
 */
export function misspeltFields(input: ServiceInput): { readonly field: string; readonly meant: string }[] {
  if (typeof input !== 'object' || Object.getPrototypeOf(input) !== Object.prototype) return [];
  return Object.keys(input).flatMap((field) => {
    const meant = Object.hasOwn(FIELDS, field) ? undefined : nearest(field, Object.keys(FIELDS));
    return meant === undefined ? [] : [{ field, meant }];
  });
}
