import * as z from 'zod';

/**
 * Says what is wrong with arguments: each field, the rule and what was seen. Of a union it shows the form that was
 * meant, because "Invalid input" alone helps nobody.
 */
export function explainArguments(error: z.ZodError): string {
  return z.prettifyError(new z.ZodError(error.issues.flatMap(unfold)));
}

type Issue = z.core.$ZodIssue;

function unfold(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  // A form whose own type is already wrong was not the one meant.
  const meant = issue.errors.find((issues) => !issues.some(isWrongType)) ?? issue.errors[0] ?? [];
  return meant.flatMap((inner) => unfold({ ...inner, path: [...issue.path, ...inner.path] }));
}

function isWrongType({ code, path }: Issue): boolean {
  return code === 'invalid_type' && path.length === 0;
}
