/**
 * False for a text with half a surrogate pair, which is no character and cannot be written as UTF-8: msgpack
 * and AMQP would carry bytes that Python refuses to decode.
 */
export function isWellFormed(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}
