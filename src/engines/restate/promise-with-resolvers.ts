/**
 * `Promise.withResolvers` for Node 20, which the SDK of Restate calls without asking: there its invocations would be tried
 * again and again in silence. Newer versions keep their own.
 */
const promises = Promise as { withResolvers?: unknown };

promises.withResolvers ??= function withResolvers<T>(this: PromiseConstructor) {
  let resolve: (value: T | PromiseLike<T>) => void = () => {};
  let reject: (reason?: unknown) => void = () => {};
  const promise = new this<T>((onValue, onFault) => {
    resolve = onValue;
    reject = onFault;
  });
  return { promise, resolve, reject };
};
