/** Rules of the operator that turn the words of a task into a tool call. */

import { createRequire } from 'node:module';
import { messageOf, misuse } from '../../core/errors.js';

/** One rule: a task that matches calls the tool; `$1` or `${name}` in an argument is a group of the expression. */
export interface CallRule {
  readonly match: string;
  readonly tool: string;
  readonly arguments?: Readonly<Record<string, unknown>> | undefined;
}

/** What a rule makes of a task. */
export interface RuledCall {
  readonly tool: string;
  readonly arguments: Record<string, unknown>;
}

/** Characters of a task that rules look at. */
const MATCHED_CHARACTERS = 8_192;
const NOT_LINEAR = 'is no expression that runs in linear time';
const GROUP = /\$(?:(\d{1,2})|\{(\w+)\})/g;

/**
 * Compiles the rules; the first that matches counts. Letters match in either case. Linear in the length of the task,
 * whatever the expression.
 *
 * @throws TypeError naming the rule whose expression is no linear one (look-around, back references) or is broken.
 */
export function compileRules(rules: readonly CallRule[]): (task: string) => RuledCall | null {
  const compiled = rules.map((rule, index) => {
    try {
      return { rule, expression: compileExpression(rule.match) };
    } catch (cause) {
      throw misuse(`rules[${index}].match ${NOT_LINEAR}: ${messageOf(cause)}`);
    }
  });
  return (task) => {
    const text = task.slice(0, MATCHED_CHARACTERS);
    for (const { rule, expression } of compiled) {
      const matcher = expression.matcher(text);
      if (!matcher.find()) continue;
      const groupOf = (group: string | number): string => {
        try {
          return matcher.group(group as never) ?? '';
        } catch {
          // The expression has no such group.
          return '';
        }
      };
      return { tool: rule.tool, arguments: fill(rule.arguments ?? {}, groupOf) as Record<string, unknown> };
    }
    return null;
  };
}

/** What is wrong with the expression of a rule, without its words; null when it is right. */
export function faultOfExpression(match: string): string | null {
  try {
    compileExpression(match);
    return null;
  } catch (cause) {
    const { RE2JSSyntaxException } = loadRe2();
    // Its message would repeat the expression.
    const why = cause instanceof RE2JSSyntaxException ? cause.getDescription() : 'it cannot be read';
    return `${NOT_LINEAR}: ${why}`;
  }
}

function compileExpression(match: string) {
  const { RE2JS } = loadRe2();
  return RE2JS.compile(match, RE2JS.CASE_INSENSITIVE);
}

/** Loaded only where there are rules. */
function loadRe2(): typeof import('re2js') {
  return createRequire(import.meta.url)('re2js');
}

function fill(template: unknown, groupOf: (group: string | number) => string): unknown {
  if (typeof template === 'string') return fillText(template, groupOf);
  if (Array.isArray(template)) return template.map((item) => fill(item, groupOf));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, item]) => [key, fill(item, groupOf)]));
}

function fillText(template: string, groupOf: (group: string | number) => string): string {
  return template.replace(GROUP, (_all, number: string | undefined, name: string | undefined) =>
    groupOf(name ?? Number(number)),
  );
}
