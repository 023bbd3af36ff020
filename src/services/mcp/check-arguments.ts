/** Checks the arguments of a call against the schema that a downstream server gives, without trusting the schema. */

import type { DownstreamTool } from './tool-list.js';

/** Null when the arguments fit, else what is wrong with them. */
export type ArgumentCheck = (tool: DownstreamTool, args: Readonly<Record<string, unknown>>) => string | null;

/**
 * A schema that refers to itself may make validation exponential in the depth of the arguments; deeper ones are left
 * to the server.
 */
const DEEPEST_CHECKED = 8;

/** Makes the check for one connection; what it compiles is forgotten with it. */
export async function createArgumentCheck(): Promise<ArgumentCheck> {
  const [{ Ajv }, { RE2JS }] = await Promise.all([
    import('@modelcontextprotocol/client/validators/ajv'),
    import('re2js'),
  ]);
  const ajv = new Ajv({
    strict: false,
    // The schema says which dialect it is; an unknown one must not stop the check of what is known.
    validateSchema: false,
    validateFormats: false,
    logger: false,
    code: { regExp: linearExpressions((pattern) => RE2JS.compile(pattern)) },
  });
  type Validate = ((value: unknown) => boolean) & { errors?: unknown };
  const compiled = new WeakMap<DownstreamTool, Validate | null>();

  const compile = (tool: DownstreamTool): Validate | null => {
    try {
      const {
        $schema: _dialect,
        $id: _id,
        ...schema
      } = tool.definition.inputSchema as Record<string, unknown>;
      return ajv.compile(schema) as Validate;
    } catch {
      // A schema that cannot be compiled is the server's affair: it checks the arguments itself.
      return null;
    }
  };
  return (tool, args) => {
    let validate = compiled.get(tool);
    if (validate === undefined) {
      validate = compile(tool);
      compiled.set(tool, validate);
    }
    if (validate === null || isTooDeep(args, DEEPEST_CHECKED)) return null;
    return validate(args) ? null : ajv.errorsText(validate.errors as never, { dataVar: 'arguments' });
  };
}

interface LinearExpression {
  matcher(text: string): { find(): boolean };
}

/** Patterns of a server run in linear time; those that cannot are left to the server. */
function linearExpressions(compile: (pattern: string) => LinearExpression) {
  const engine = (pattern: string) => {
    let expression: LinearExpression | null = null;
    try {
      expression = compile(pattern);
    } catch {
      // Look-around and back references have no linear form.
    }
    return { test: (text: string): boolean => expression?.matcher(text).find() ?? true };
  };
  return Object.assign(engine, { code: 'new RegExp' });
}

function isTooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((item) => isTooDeep(item, depth - 1));
}
