/** Frames of AMQP 0-9-1 as a server sends them, and what no server sends. */

export function number(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

/** A short string. */
export function short(text: string): Buffer {
  return Buffer.concat([number(Buffer.byteLength(text), 1), Buffer.from(text)]);
}

/** A long string or a table. */
export function long(content: Buffer): Buffer {
  return Buffer.concat([number(content.length, 4), content]);
}

/** A delivery tag, or the size of a message. */
export function tagged(tag: number): Buffer {
  return Buffer.concat([number(0, 2), number(tag, 6)]);
}

export function frame(type: number, channel: number, ...payload: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(payload);
  const head = [number(type, 1), number(channel, 2), number(bytes.length, 4)];
  return Buffer.concat([...head, bytes, number(0xce, 1)]);
}

export function method(
  channel: number,
  [classId, id]: readonly [number, number],
  ...args: readonly Buffer[]
): Buffer {
  return frame(1, channel, number(classId, 2), number(id, 2), ...args);
}

export function basic(channel: number, id: number, ...args: readonly Buffer[]): Buffer {
  return method(channel, [60, id], ...args);
}

const NONE: Buffer = Buffer.alloc(0);

/** `connection.start`. */
export function start(properties: Buffer = NONE, mechanisms = "PLAIN"): Buffer {
  const args = [number(9, 2), long(properties), long(Buffer.from(mechanisms))];
  return method(0, [10, 10], ...args, long(Buffer.from("en_US")));
}

/** `connection.tune`. */
export function tune(channelMax = 2047, frameMax = 131_072, heartbeat = 60): Buffer {
  return method(0, [10, 30], number(channelMax, 2), number(frameMax, 4), number(heartbeat, 2));
}

export const openOk = method(0, [10, 41], short(""));
export const channelOpenOk = method(1, [20, 11], long(NONE));
export const confirmSelectOk = method(1, [85, 11]);

/** Tables in tables. */
export function nestedTables(depth: number): Buffer {
  const table = Buffer.alloc(6 * depth);
  for (let level = 0; level < depth; level++) {
    table.write("F", 6 * level + 1);
    table.writeUInt32BE(6 * (depth - level - 1), 6 * level + 2);
  }
  return table;
}

const header = (channel: number, size: Buffer, classId = 60) =>
  frame(2, channel, number(classId, 2), number(0, 2), size, number(0, 2));
const delivery = (channel: number, consumer: string) =>
  basic(channel, 60, short(consumer), tagged(1), number(0, 1), short(""), short("queue"));
const close = (id: readonly [number, number], channel: number, text: string) =>
  method(channel, id, number(541, 2), short(text), number(0, 2), number(0, 2));
const confirm = (channel: number, tag: Buffer, isMultiple: boolean) =>
  basic(channel, 80, tag, number(isMultiple ? 1 : 0, 1));

/** What no RabbitMQ sends on a connection that is in use, or not then. */
export const HOSTILE: Readonly<Record<string, Buffer>> = {
  "another protocol's header": Buffer.from("AMQP\u0000\u0000\u0009\u0001"),
  "an answer of HTTP": Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"),
  "an alert of TLS": Buffer.from("15030300020228", "hex"),
  zeros: Buffer.alloc(100),
  "a frame without its end": Buffer.concat([frame(8, 0).subarray(0, 7), number(0, 1)]),
  "a frame of 2 GiB": Buffer.concat([number(1, 1), number(1, 2), number(2 ** 31, 4)]),
  "a frame of no known kind": frame(7, 1),
  "a method that is none": frame(1, 1),
  "a method of no known class": method(1, [999, 10]),
  "a method of no known number": basic(1, 999),
  "an unknown method on channel 0": method(0, [10, 999]),
  "a method for servers": basic(1, 40, number(0, 2), short(""), short(""), number(0, 1)),
  "an answer that nobody waits for": method(1, [50, 11], short("q"), number(0, 4), number(0, 4)),
  "a frame for a channel that is not open": basic(999, 80, tagged(1), number(0, 1)),
  "a confirm of a huge tag": confirm(1, tagged(2 ** 31), false),
  "a confirm of the last tag there is": confirm(1, Buffer.alloc(8, 0xff), false),
  "a confirm of all up to a huge tag": confirm(1, tagged(2 ** 40), true),
  "a confirm of tag 0": confirm(1, tagged(0), false),
  "a confirm that is cut off": basic(1, 80, number(0, 4)),
  "a message for no consumer": Buffer.concat([
    delivery(1, "nobody"),
    header(1, tagged(1)),
    frame(3, 1, Buffer.from("x")),
  ]),
  "the end of a consumer that is none": basic(1, 30, short("nobody"), number(1, 1)),
  "a header without a method": header(1, tagged(1)),
  "a body without a header": frame(3, 1, Buffer.from("x")),
  "a body right after the method": Buffer.concat([delivery(1, "c"), frame(3, 1, NONE)]),
  "a header of another class": Buffer.concat([delivery(1, "c"), header(1, tagged(1), 50)]),
  "a message of 256 TiB": Buffer.concat([delivery(1, "c"), header(1, tagged(2 ** 48 - 1))]),
  "a message of a negative size": Buffer.concat([
    delivery(1, "c"),
    header(1, Buffer.alloc(8, 0xff)),
  ]),
  "more of a message than was announced": Buffer.concat([
    delivery(1, "c"),
    header(1, tagged(1)),
    frame(3, 1, Buffer.from("four")),
  ]),
  "tables in tables": start(nestedTables(20_000)),
  "a table that is longer than its frame": method(0, [10, 10], number(9, 2), number(2 ** 31, 4)),
  "the end of the connection": close([10, 50], 0, "who are you?"),
  "the end of a channel": close([20, 40], 1, "who are you?"),
  "the end of a channel that was not asked for": method(1, [20, 41]),
  "the end of the connection that was not asked for": method(0, [10, 51]),
  "a second welcome": openOk,
  "flow control": method(1, [20, 20], number(0, 1)),
};
