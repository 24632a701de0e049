import { missingPrograms } from "./debian-packages.js";

/**
 * What a program's environment needs for its clock to be so many seconds ahead, or behind when they are
 * negative. Its monotonic clock stays: a host whose clock is wrong counts seconds like any other.
 * @returns null when libfaketime is not to be had here
 */
export async function fakeTime(seconds: number): Promise<Record<string, string> | null> {
  const reason = await missingPrograms({ faketime: "faketime" });
  if (reason !== null) {
    console.error(`libfaketime: ${reason}`);
    return null;
  }
  return {
    // The dynamic linker fills $LIB in; Debian's place for it.
    LD_PRELOAD: "/usr/$LIB/faketime/libfaketimeMT.so.1",
    FAKETIME: `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}
