import { type ChildProcess, spawn } from "node:child_process";

/*
 * Process groups that must not outlive us are known to a small shell, the keeper. Its standard input
 * is a pipe from us. When that closes, for whatever reason (exit, crash, SIGKILL), it kills what is
 * still on its list and ends. No handler in this process could do that for a SIGKILL.
 */
const KEEPER_SCRIPT = `
groups=" "
while read -r verb group; do
  case $verb in
    add) groups="$groups$group " ;;
    drop) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
exit 0
`;

let keeper: ChildProcess | null = null;

/** From now on the process group is killed when this process ends in any way. */
export function keepGroup(group: number): void {
  keeper ??= startKeeper();
  keeper.stdin?.write(`add ${group}\n`);
}

/** The process group is gone: its number may soon belong to somebody else. */
export function dropGroup(group: number): void {
  keeper?.stdin?.write(`drop ${group}\n`);
}

function startKeeper(): ChildProcess {
  // Detached: a Ctrl-C on our terminal must not end it before us.
  const child = spawn("/bin/sh", ["-c", KEEPER_SCRIPT], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    cwd: "/",
  });
  child.on("error", () => {});
  child.stdin?.on("error", () => {});
  // Neither the keeper nor its pipe keeps this process alive.
  child.unref();
  const pipe: unknown = child.stdin;
  if (hasUnref(pipe)) pipe.unref();
  return child;
}

function hasUnref(value: unknown): value is { unref(): void } {
  return typeof value === "object" && value !== null && "unref" in value;
}
