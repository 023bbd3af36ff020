/**
 * Provides `Promise.withResolvers` on Node 20, which the SDK of Restate calls without asking: its invocations would be tried
 * again and again in silence there. Newer versions keep their own.
 */
export function provideWithResolvers(promises: { withResolvers?: unknown } = Promise as object): void {
  promises.withResolvers ??= withResolvers;
}

function withResolvers<T>(this: PromiseConstructor) {
  let resolve: (value: T | PromiseLike<T>) => void = () => {};
  let reject: (reason?: unknown) => void = () => {};
  const promise = new this<T>((onValue, onFault) => {
    resolve = onValue;
    reject = onFault;
  });
  return { promise, resolve, reject };
}
