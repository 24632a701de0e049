/** Why a text is refused for which `isWellFormed` is false. */
export const HALF_CHARACTER = "must not hold half a surrogate pair, which UTF-8 cannot write";

/** True for what an AMQP short string can hold: queues, exchanges, routing keys, names of headers. */
export function fitsShortText(text: string): boolean {
  return Buffer.byteLength(text) <= 255;
}
