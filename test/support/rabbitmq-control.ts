import "./dispose.js";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { UserError } from "../../src/errors.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { scratchFile } from "./scratch.js";

type Child = ChildProcessByStdio<Writable, Readable, null>;

const SCRIPT = join(CHECKOUT, "test", "support", "rabbitmqctl.escript");
/** Longer than any command waits for a node that does not answer. */
const PATIENCE_MS = 90_000;

/**
 * rabbitmqctl that stays, for one node: it is started for the first command, as that takes more than a second of
 * computing, and carries out one after the other.
 */
export class RabbitmqControl implements AsyncDisposable {
  readonly #escript: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: Child | undefined;
  #lines: AsyncIterator<string> | undefined;
  #before: Promise<unknown> = Promise.resolve();

  /** @param env says which node is meant, as for rabbitmqctl */
  constructor(escript: string, env: NodeJS.ProcessEnv) {
    this.#escript = escript;
    this.#env = env;
  }

  /**
   * Carries out a command and returns what it wrote to standard output.
   * @throws UserError with what it wrote to standard error when it fails, or does not end
   */
  run(args: readonly string[]): Promise<string> {
    const done = this.#before.then(() => this.#carryOut(args));
    this.#before = done.catch(() => {}); // told to the one who asked
    return done;
  }

  async #carryOut(args: readonly string[]): Promise<string> {
    const lines = await this.#start();
    this.#child!.stdin.write(`${args.map(encoded).join(" ")}\n`);
    const timer = setTimeout(() => this.#child?.kill("SIGKILL"), PATIENCE_MS);
    const { value: line } = await lines.next();
    clearTimeout(timer);
    if (typeof line !== "string") {
      this.#child = undefined;
      throw new UserError(`rabbitmqctl ${args.join(" ")} ended, or took ${PATIENCE_MS / 1000} s`);
    }
    const [code, out = "", errors = ""] = line.split(" ");
    if (code === "0") return fromBase64(out);
    throw new UserError(
      `rabbitmqctl ${args.join(" ")} failed (${code}): ${fromBase64(errors)}${fromBase64(out)}`,
    );
  }

  async #start(): Promise<AsyncIterator<string>> {
    if (this.#child !== undefined && this.#lines !== undefined) return this.#lines;
    const directory = await scratchFile("rabbitmqctl");
    await mkdir(directory);
    const child = spawn(this.#escript, [SCRIPT, directory], {
      env: this.#env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    child.stdin.on("error", () => {}); // its end is told by its output's
    const reader: Interface = createInterface({ input: child.stdout });
    child.on("error", () => reader.close());
    this.#child = child;
    this.#lines = reader[Symbol.asyncIterator]();
    return this.#lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#before;
    this.#child?.stdin.end();
  }
}

/** An empty word is one, too. */
function encoded(word: string): string {
  return `.${Buffer.from(word).toString("base64")}`;
}

function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString();
}
