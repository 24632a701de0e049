import { fieldTable } from "./field-table.js";

/** A number with its type said, as `fieldTable` does. */
interface Typed {
  readonly "!": "int" | "long" | "double" | "object";
  readonly value: unknown;
}

/** Headers as bytes: a field table of AMQP 0-9-1 with RabbitMQ's types, as amqplib writes `fieldTable`. */
export function tableBytes(headers: Readonly<Record<string, unknown>>): Buffer {
  return table(fieldTable(headers));
}

/** @throws {Error} when it is longer than 255 bytes */
export function shortText(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 255) throw new Error(`"${text}" has ${bytes.length} bytes; AMQP takes 255`);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

/** `bytes` are the width of the number. */
export function unsigned(value: number, bytes: 2 | 4): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

function table(fields: Readonly<Record<string, unknown>>): Buffer {
  const items = Object.entries(fields).flatMap(([name, value]) => [shortText(name), field(value)]);
  return sized(Buffer.concat(items));
}

function field(value: unknown): Buffer {
  if (value === null) return Buffer.from("V");
  if (typeof value === "string") return tagged("S", sized(Buffer.from(value)));
  if (typeof value === "boolean") return tagged("t", Buffer.of(value ? 1 : 0));
  if (Array.isArray(value)) return tagged("A", sized(Buffer.concat(value.map(field))));
  const { "!": type, value: inner } = value as Typed;
  switch (type) {
    case "object":
      return tagged("F", table(inner as Readonly<Record<string, unknown>>));
    case "int": {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(inner as number);
      return tagged("I", bytes);
    }
    case "long": {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(BigInt(inner as number | bigint));
      return tagged("l", bytes);
    }
    case "double": {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(inner as number);
      return tagged("d", bytes);
    }
    default:
      throw new Error(`no header of AMQP: ${JSON.stringify(value)}`);
  }
}

function tagged(tag: string, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(tag), bytes]);
}

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([unsigned(bytes.length, 4), bytes]);
}
