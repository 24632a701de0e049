import { rename, writeFile } from "node:fs/promises";
import { missingPrograms } from "./debian-packages.js";
import { scratchFile } from "./scratch.js";

/**
 * What a program's environment needs for its clock to be so many seconds ahead, or behind when they are
 * negative. Its monotonic clock stays: a host whose clock is wrong counts seconds like any other.
 * @returns null when libfaketime is not to be had here
 */
export async function fakeTime(seconds: number): Promise<Record<string, string> | null> {
  return (await isMissing()) ? null : { ...PRELOADED, FAKETIME: offset(seconds) };
}

/** A clock that can be set while the program runs. */
export interface SettableClock {
  readonly env: Record<string, string>;
  /** To so many seconds ahead of the true time. */
  set(seconds: number): Promise<void>;
}

/** As `fakeTime`, and true at first. Who has its environment shares the clock. */
export async function settableClock(): Promise<SettableClock | null> {
  if (await isMissing()) return null;
  const file = await scratchFile("faketime");
  const set = async (seconds: number) => {
    // In one step: it is read at any moment.
    await writeFile(`${file}.new`, `${offset(seconds)}\n`);
    await rename(`${file}.new`, file);
  };
  await set(0);
  return { env: { ...PRELOADED, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1" }, set };
}

const PRELOADED = {
  // The dynamic linker fills $LIB in; Debian's place for it.
  LD_PRELOAD: "/usr/$LIB/faketime/libfaketimeMT.so.1",
  FAKETIME_DONT_FAKE_MONOTONIC: "1",
};

function offset(seconds: number): string {
  return `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}s`;
}

async function isMissing(): Promise<boolean> {
  const reason = await missingPrograms({ faketime: "faketime" });
  if (reason !== null) console.error(`libfaketime: ${reason}`);
  return reason !== null;
}
