import { misuse } from '../core/errors.js';
import type { ServiceProfile } from '../core/route.js';
import type { Service, ServiceSettings } from '../core/service.js';

/**
 * What routing may know of a service: what its settings say, else what it says itself. Null says nothing.
 *
 * @throws TypeError naming the service and the field that is not what it must be.
 */
export function profileOf(
  name: string,
  own: Partial<Service>,
  settings: Partial<ServiceSettings>,
): ServiceProfile {
  const said = Object.keys(RULES).map((field) => {
    const value = settings[field as ProfileField] ?? own[field as ProfileField] ?? undefined;
    checkField(name, field as ProfileField, value);
    return [field, value];
  });
  return { name, ...Object.fromEntries(said.filter(([, value]) => value !== undefined)) };
}

/** @throws TypeError unless the value is true, false or not said. */
export function checkSwitch(name: string, field: string, value: unknown): void {
  if (value === undefined || value === null || isSwitch(value)) return;
  throw misuse(`Service "${name}" has ${field} ${shown(value)}; it must be true or false.`);
}

type ProfileField = Exclude<keyof ServiceProfile, 'name'>;

interface Rule {
  readonly isValid: (value: unknown) => boolean;
  readonly must: string;
  /** Whether the rule is about each element of an array. */
  readonly isList?: true;
}

const RULES: Readonly<Record<ProfileField, Rule>> = {
  description: { isValid: isText, must: 'a string' },
  keywords: { isValid: isKeyword, must: 'an array of strings or { text, weight }', isList: true },
  capabilities: { isValid: isText, must: 'an array of strings', isList: true },
  examples: { isValid: isText, must: 'an array of strings', isList: true },
  tools: { isValid: isTool, must: 'an array of { name, description }', isList: true },
  trusted: { isValid: isSwitch, must: 'true or false' },
};

function checkField(name: string, field: ProfileField, value: unknown): void {
  const { isValid, isList = false, must } = RULES[field];
  if (value === undefined) return;
  if (isList && Array.isArray(value)) {
    const index = value.findIndex((element) => !isValid(element));
    if (index < 0) return;
    throw misuse(
      `Service "${name}" has ${field}[${index}] ${shown(value[index])}; ${field} must be ${must}.`,
    );
  }
  if (isList || !isValid(value)) {
    throw misuse(`Service "${name}" has ${field} ${shown(value)}; it must be ${must}.`);
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isSwitch(value: unknown): boolean {
  return typeof value === 'boolean';
}

function isKeyword(value: unknown): boolean {
  if (typeof value === 'string') return true;
  if (typeof value !== 'object' || value === null) return false;
  const { text, weight } = value as { readonly text?: unknown; readonly weight?: unknown };
  return isText(text) && (weight === undefined || typeof weight === 'number');
}

function isTool(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { name, description } = value as { readonly name?: unknown; readonly description?: unknown };
  return isText(name) && (description === undefined || isText(description));
}

/** Most characters of a text that an error repeats. */
const MAX_SHOWN_CHARS = 60;

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MAX_SHOWN_CHARS));
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}
