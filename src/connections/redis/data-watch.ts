import type { Redis } from "ioredis";
import type { BrokerLoss } from "../ports.js";
import type { RedisLink } from "./link.js";
import {
  cameBackEmpty,
  readFlushes,
  readHistory,
  type ServerRun,
  serverRun,
  tookOverWithLoss,
} from "./server-run.js";

/** How often the position of a server is read while it answers, with replicas and without. */
const READ_MS = { followed: 100, alone: 1_000 };
/** How often it is asked whether it was emptied. */
const FLUSHES_MS = 1_000;

/**
 * Tells when a server has provably lost what was published: by a restart without its data, because another
 * one took over without the last writes, or because somebody emptied it. Each server of a fail-over list is compared with
 * itself only: what was published to another one is still there, for all that is known.
 */
export class DataWatch {
  readonly #lost: (evidence: BrokerLoss) => void;
  readonly #known = new Map<number, ServerRun>();
  #current = 0;
  #readMs = 0;
  /** Of the current server; null: not asked yet. */
  #flushes: number | null = null;
  #flushesMs = 0;

  constructor(lost: (evidence: BrokerLoss) => void) {
    this.#lost = lost;
  }

  /** Compares the server with what was known under the same index. */
  async connected(client: Redis, serverIndex: number): Promise<void> {
    const now = await serverRun(client);
    if (now === null) return; // it does not let us ask
    const before = this.#known.get(serverIndex);
    this.#known.set(serverIndex, now);
    this.#current = serverIndex;
    this.#readMs = performance.now();
    this.#flushes = null;
    if (before === undefined) return;
    if (cameBackEmpty(before, now)) this.#lost("restartedEmpty");
    else if (tookOverWithLoss(before, now)) this.#lost("failover");
  }

  /** Call it at every answer: the server's position covers what was written before. */
  answered(link: Pick<RedisLink, "call">): void {
    const index = this.#current;
    const run = this.#known.get(index);
    if (run === undefined) return;
    const nowMs = performance.now();
    this.#countFlushes(link, nowMs);
    if (nowMs - this.#readMs < (run.replicas > 0 ? READ_MS.followed : READ_MS.alone)) return;
    this.#readMs = nowMs;
    link.call("INFO", "replication").then(
      (info) => this.#known.set(index, { ...run, ...readHistory(String(info)) }),
      () => {}, // the connection is lost, which its link reports
    );
  }

  /** Of a server that does not let us ask, nothing is known. */
  #countFlushes(link: Pick<RedisLink, "call">, nowMs: number): void {
    if (nowMs - this.#flushesMs < FLUSHES_MS) return;
    this.#flushesMs = nowMs;
    const index = this.#current;
    link.call("INFO", "commandstats").then(
      (info) => {
        if (this.#current !== index) return;
        const before = this.#flushes;
        this.#flushes = readFlushes(String(info));
        if (before !== null && this.#flushes > before) this.#lost("purged");
      },
      () => {}, // the connection is lost, which its link reports, or INFO is not permitted
    );
  }
}
