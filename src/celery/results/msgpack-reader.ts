import { ByteCursor, Unreadable } from "./byte-cursor.js";
import { Foreign, MAX_DEPTH, type PartValue, type PythonValue } from "./python-value.js";

/** Does a map begin here? One without members is no result. */
export function isMsgpackMap(bytes: Buffer): boolean {
  const [type = 0] = bytes;
  return (type > 0x80 && type <= 0x8f) || type === 0xde || type === 0xdf;
}

/**
 * Reads MessagePack (github.com/msgpack/msgpack/blob/master/spec.md) as far as it goes: what is cut off, or makes no
 * sense, leaves the members before it. Null when nothing can be read. Never throws.
 */
export function readMsgpack(bytes: Buffer): PartValue {
  let value: PythonValue = null;
  try {
    // Filled from the outside, so that what has been read stays.
    readValue(new ByteCursor(bytes), 0, (whole) => {
      value = whole;
    });
    return { value, isWhole: true };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { value, isWhole: false };
  }
}

/** `put` gets the value: a map or an array before its members. */
function readValue(cursor: ByteCursor, depth: number, put: (value: PythonValue) => void): void {
  if (depth > MAX_DEPTH) throw new Unreadable("nested too deep");
  const type = cursor.byte();
  if (type <= 0x7f) put(type);
  else if (type >= 0xe0) put(type - 0x100);
  else if (type <= 0x8f) readMap(cursor, type & 0x0f, depth, put);
  else if (type <= 0x9f) readArray(cursor, type & 0x0f, depth, put);
  else if (type <= 0xbf) put(cursor.text(type & 0x1f));
  else if (type >= 0xdc) {
    const count = uint(cursor, type % 2 === 0 ? 2 : 4);
    if (type <= 0xdd) readArray(cursor, count, depth, put);
    else readMap(cursor, count, depth, put);
  } else put(readScalar(cursor, type));
}

function readMap(
  cursor: ByteCursor,
  count: number,
  depth: number,
  put: (value: PythonValue) => void,
): void {
  const map = new Map<PythonValue, PythonValue>();
  put(map);
  for (let i = 0; i < count; i++) {
    let key: PythonValue = null;
    readValue(cursor, depth + 1, (value) => {
      key = value;
    });
    readValue(cursor, depth + 1, (value) => map.set(key, value));
  }
}

function readArray(
  cursor: ByteCursor,
  count: number,
  depth: number,
  put: (value: PythonValue) => void,
): void {
  const array: PythonValue[] = [];
  put(array);
  for (let i = 0; i < count; i++) readValue(cursor, depth + 1, (value) => array.push(value));
}

/** The types from `nil` (0xc0) to `str 32` (0xdb). */
function readScalar(cursor: ByteCursor, type: number): PythonValue {
  switch (type) {
    case 0xc0:
      return null;
    case 0xc2:
    case 0xc3:
      return type === 0xc3;
    case 0xc4:
    case 0xc5:
    case 0xc6:
      cursor.take(uint(cursor, 1 << (type - 0xc4)));
      return new Foreign("bytes");
    case 0xc7:
    case 0xc8:
    case 0xc9:
      cursor.take(1 + uint(cursor, 1 << (type - 0xc7)));
      return new Foreign();
    case 0xca:
      return cursor.take(4).readFloatBE();
    case 0xcb:
      return cursor.take(8).readDoubleBE();
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return uint(cursor, 1 << (type - 0xcc));
    case 0xd0:
    case 0xd1:
    case 0xd2:
      return cursor.take(1 << (type - 0xd0)).readIntBE(0, 1 << (type - 0xd0));
    case 0xd3:
      return Number(cursor.take(8).readBigInt64BE());
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      cursor.take(1 + (1 << (type - 0xd4)));
      return new Foreign();
    case 0xd9:
    case 0xda:
    case 0xdb:
      return cursor.text(uint(cursor, 1 << (type - 0xd9)));
    default:
      throw new Unreadable("a type that does not exist"); // 0xc1
  }
}

function uint(cursor: ByteCursor, bytes: number): number {
  const taken = cursor.take(bytes);
  // As JSON.parse does with large ones.
  return bytes === 8 ? Number(taken.readBigUInt64BE()) : taken.readUIntBE(0, bytes);
}
