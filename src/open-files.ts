import { readFileSync } from "node:fs";
import { EXIT, UserError } from "./errors.js";

/** Node opens its modules side by side: with less the start fails somewhere in between. */
const LEAST = 150;

/** How many files and sockets this process may have open at a time; null where the system does not tell. */
export function openFilesLimit(): number | null {
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    const limit = Number(/^Max open files +(\d+)/m.exec(limits)?.[1]);
    return Number.isNaN(limit) ? null : limit;
  } catch {
    return null; // another system than Linux, or already too few to look
  }
}

/** @throws {UserError} when they are too few to run at all */
export function checkOpenFiles(): void {
  const limit = openFilesLimit();
  if (limit === null || limit >= LEAST) return;
  throw new UserError(
    `Cannot run with ${limit} open files and sockets, which is the limit of this process: ${LEAST} are needed, and 1024 are usual.`,
    {
      hint: "Raise it: ulimit -n 1024 in a shell, LimitNOFILE=1024 for systemd, --ulimit nofile=1024 for a container.",
      exitCode: EXIT.badConfiguration,
    },
  );
}
