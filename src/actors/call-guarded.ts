/** Calls a listener of a user; what it throws, or what its promise rejects with, goes to `onFault`. Never throws. */
export function callGuarded(call: () => unknown, onFault: (cause: unknown) => void): void {
  try {
    const outcome = call();
    if (outcome instanceof Promise) outcome.catch(onFault);
  } catch (cause) {
    onFault(cause);
  }
}
