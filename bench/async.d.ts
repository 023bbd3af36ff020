/** The part of async that the benches call; the package brings no types. */
declare module 'async' {
  type Work<T, R> = { readonly task: T; readonly result: R };
  export function asyncify<T, R>(work: (task: T) => Promise<R>): Work<T, R>;
  export function queue<T, R>(work: Work<T, R>, concurrency: number): { pushAsync(task: T): Promise<R> };
}
