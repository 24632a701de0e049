/**
 * The parts of the body of an answer to `fetch()` as they come. The signal ends it, whatever the server does: that of
 * the request does so no longer once the request was garbage-collected (undici holds it by a WeakRef), and then a body
 * that comes byte by byte, or not at all, is read for ever.
 * @throws what the signal was aborted with, and what breaks the connection
 */
export async function* answerParts(
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  if (response.body === null) return;
  const reader = response.body.getReader();
  const cancel = () => void reader.cancel(signal.reason).catch(() => {}); // what is broken needs no end
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}
