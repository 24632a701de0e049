import { ByteCursor, Unreadable } from "./byte-cursor.js";
import { Foreign, type PartValue, type PythonValue } from "./python-value.js";

/** Does a pickle of protocol 2 to 5 begin here? */
export function isPickle(bytes: Buffer): boolean {
  return bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5;
}

/**
 * Reads the plain values of a pickle (Python's `pickletools.py`) as far as it goes. A pickle is a program; this one
 * runs nothing: names of classes are texts, and what would be called or filled in is stepped over and stands as a
 * `Foreign` with its name. What is cut off, or makes no sense, leaves what came before it. Null when nothing can be
 * read. Never throws.
 */
export function readPickle(bytes: Buffer): PartValue {
  const machine = new Machine(new ByteCursor(bytes));
  try {
    while (machine.step()) {}
    return { value: machine.value(), isWhole: true };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { value: machine.value(), isWhole: false };
  }
}

/** Classes of Celery's that stand for an exception that cannot be pickled, its name second (`celery/utils/serialization.py`). */
const WRAPPER = "UnpickleableExceptionWrapper";
/** Functions that make an object of the class, or of the object, that they get first (`copyreg.py`, `billiard/einfo.py`). */
const MAKERS: readonly string[] = ["_reconstructor", "__newobj__", "__newobj_ex__", "rebuild_exc"];

/** What has such a name was cut off before it was told what it makes. */
const UNFINISHED: readonly string[] = [...MAKERS, WRAPPER, "getattr"];

class Machine {
  readonly #cursor: ByteCursor;
  #stack: PythonValue[] = [];
  /** Stacks below the marks, the outermost first. */
  readonly #marked: PythonValue[][] = [];
  readonly #memo = new Map<number, PythonValue>();

  constructor(cursor: ByteCursor) {
    this.#cursor = cursor;
  }

  /** What has been made; of what is not complete, the items so far. */
  value(): PythonValue {
    while (this.#marked.length > 0) this.#fill(this.#toMark());
    const value = this.#stack[0] ?? null;
    if (!(value instanceof Map)) return value;
    for (const [key, item] of value) {
      if (item instanceof Foreign && UNFINISHED.includes(item.name)) value.set(key, new Foreign());
    }
    return value;
  }

  /**
   * One instruction. False when it was the last one.
   * @throws {Unreadable}
   */
  step(): boolean {
    const cursor = this.#cursor;
    const code = cursor.byte();
    switch (code) {
      case 0x2e: // STOP
        return false;
      case 0x80: // PROTO
        cursor.take(1);
        break;
      case 0x95: // FRAME
        cursor.take(8);
        break;
      case 0x28: // MARK
        this.#marked.push(this.#stack);
        this.#stack = [];
        break;
      case 0x30: // POP
        if (this.#stack.length === 0) this.#toMark();
        else this.#stack.pop();
        break;
      case 0x31: // POP_MARK
        this.#toMark();
        break;
      case 0x32: // DUP
        this.#push(this.#top());
        break;
      default:
        if (!this.#constant(code) && !this.#container(code) && !this.#memory(code)) {
          this.#object(code);
        }
    }
    return true;
  }

  #constant(code: number): boolean {
    const cursor = this.#cursor;
    switch (code) {
      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        return this.#push(code === 0x88);
      case 0x4b: // BININT1
        return this.#push(cursor.byte());
      case 0x4d: // BININT2
        return this.#push(cursor.take(2).readUInt16LE());
      case 0x4a: // BININT
        return this.#push(cursor.take(4).readInt32LE());
      case 0x8a: // LONG1
        return this.#push(long(cursor.take(cursor.byte())));
      case 0x8b: // LONG4
        return this.#push(long(cursor.take(this.#length(4))));
      case 0x47: // BINFLOAT
        return this.#push(cursor.take(8).readDoubleBE());
      case 0x8c: // SHORT_BINUNICODE
        return this.#push(cursor.text(this.#length(1)));
      case 0x58: // BINUNICODE
        return this.#push(cursor.text(this.#length(4)));
      case 0x8d: // BINUNICODE8
        return this.#push(cursor.text(this.#length(8)));
      case 0x43: // SHORT_BINBYTES
        return this.#bytes(1);
      case 0x42: // BINBYTES
        return this.#bytes(4);
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.#bytes(8);
      default:
        return false;
    }
  }

  #container(code: number): boolean {
    switch (code) {
      case 0x7d: // EMPTY_DICT
        return this.#push(new Map());
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        return this.#push([]);
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#push(this.#pops(code - 0x84));
      case 0x74: // TUPLE
        return this.#push(this.#toMark());
      case 0x73: // SETITEM
        this.#fill(this.#pops(2));
        return true;
      case 0x61: // APPEND
        this.#fill(this.#pops(1));
        return true;
      case 0x75: // SETITEMS
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        this.#fill(this.#toMark());
        return true;
      case 0x8f: // EMPTY_SET
        return this.#push(new Foreign("set"));
      case 0x91: // FROZENSET
        this.#toMark();
        return this.#push(new Foreign("frozenset"));
      default:
        return false;
    }
  }

  #memory(code: number): boolean {
    switch (code) {
      case 0x94: // MEMOIZE
        this.#memo.set(this.#memo.size, this.#top());
        return true;
      case 0x71: // BINPUT
      case 0x72: // LONG_BINPUT
        this.#memo.set(this.#length(code === 0x71 ? 1 : 4), this.#top());
        return true;
      case 0x68: // BINGET
      case 0x6a: {
        // LONG_BINGET
        const value = this.#memo.get(this.#length(code === 0x68 ? 1 : 4));
        if (value === undefined) throw new Unreadable("what was not kept");
        return this.#push(value);
      }
      default:
        return false;
    }
  }

  #object(code: number): void {
    switch (code) {
      case 0x63: // GLOBAL
        this.#cursor.line();
        this.#push(new Foreign(this.#cursor.line()));
        break;
      case 0x93: {
        // STACK_GLOBAL
        const [, name] = this.#pops(2);
        this.#push(new Foreign(typeof name === "string" ? name : ""));
        break;
      }
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        this.#make(this.#pops(2));
        break;
      case 0x92: // NEWOBJ_EX
        this.#make(this.#pops(3));
        break;
      case 0x62: // BUILD
        this.#pops(1);
        break;
      default:
        throw new Unreadable("an instruction of another kind");
    }
  }

  #make([what, args]: PythonValue[]): void {
    const name = what instanceof Foreign ? what.name : "";
    const [first, second] = Array.isArray(args) ? args : [];
    if (name === "getattr" && first instanceof Foreign) {
      // A class within a class, before protocol 4.
      this.#push(new Foreign(`${first.name}.${second}`));
    } else if (MAKERS.includes(name) && first instanceof Foreign)
      this.#push(new Foreign(first.name));
    else if (name === WRAPPER && typeof second === "string") this.#push(new Foreign(second));
    else this.#push(new Foreign(name));
  }

  /** Items of what is on top; of an object's nothing is kept. */
  #fill(items: readonly PythonValue[]): void {
    const target = this.#stack.at(-1);
    if (Array.isArray(target)) {
      for (const item of items) target.push(item);
    } else if (target instanceof Map) {
      for (let i = 1; i < items.length; i += 2) target.set(items[i - 1]!, items[i]!);
    }
  }

  #bytes(width: number): true {
    this.#cursor.take(this.#length(width));
    return this.#push(new Foreign("bytes"));
  }

  #length(width: number): number {
    const taken = this.#cursor.take(width);
    return width === 8 ? Number(taken.readBigUInt64LE()) : taken.readUIntLE(0, width);
  }

  #push(value: PythonValue): true {
    this.#stack.push(value);
    return true;
  }

  #top(): PythonValue {
    const top = this.#stack.at(-1);
    if (top === undefined) throw new Unreadable("nothing is there");
    return top;
  }

  #pops(count: number): PythonValue[] {
    if (this.#stack.length < count) throw new Unreadable("not so much is there");
    return this.#stack.splice(-count);
  }

  #toMark(): PythonValue[] {
    const items = this.#stack;
    const below = this.#marked.pop();
    if (below === undefined) throw new Unreadable("no mark is there");
    this.#stack = below;
    return items;
  }
}

/** An integer of Python's, little-endian with a sign; above 64 bits no number of JSON's is near enough. */
function long(bytes: Buffer): PythonValue {
  if (bytes.length > 9) return new Foreign("int");
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return Number(BigInt.asIntN(8 * bytes.length, value));
}
