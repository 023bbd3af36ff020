/** Calls back once when a streamed answer has been read to its end or given up; at once when it is no stream. */
export function whenBodyEnds(response: Response, onEnd: () => void): Response {
  const { body, status, headers } = response;
  if (body === null || !isEventStream(response)) {
    onEnd();
    return response;
  }
  const reader = body.getReader();
  const watched = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        onEnd();
        controller.close();
      } catch (cause) {
        onEnd();
        controller.error(cause);
      }
    },
    async cancel(reason) {
      onEnd();
      await reader.cancel(reason);
    },
  });
  return new Response(watched, { status, headers });
}

/** Whether an answer comes in pieces. */
export function isEventStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') ?? false;
}
