/**
 * True when the server itself answered with an error: then the command was not carried out.
 * Everything else (closed, aborted, timed out) leaves open whether it was.
 */
export function isServerRefusal(error: Error): boolean {
  return error.name === "ReplyError";
}
