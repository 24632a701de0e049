import { readReply } from "../../celery/messages/redis-envelope.js";
import { parseRedisUrl } from "../../celery/urls/redis-url.js";
import { messageOf } from "../../errors.js";
import type { ResultsOptions, ResultsPart } from "../ports.js";
import { RedisLink } from "./link.js";
import { KEPT_BULK_BYTES, ProtocolError } from "./resp-reader.js";

/** How long one wait for replies lasts; a PING of the link waits behind it. */
const WAIT_SECONDS = "1";
/** Replies read at once, until there are none. */
const MAX_BATCH = 500;
/** Fewer where they are large: about so many characters at once. */
const MAX_BATCH_LENGTH = 4 * 1024 * 1024;
/** One with more characters may have lost its middle on the way, as no character takes more than three bytes for each. */
const MAX_WHOLE_LENGTH = KEPT_BULK_BYTES / 4;
/** Celery's default of `result_expires`. */
const LATE_REPLIES_EXPIRE_SECONDS = 86_400;

/**
 * Results of Celery's `rpc://` over kombu's Redis transport: workers push an envelope to the list that is
 * named by our `reply_to`; it keeps what arrives while the connection is away. A reply is removed when it has been
 * read: what a BRPOP takes is gone with its answer when the connection ends just then. What may have been read
 * before comes marked as a repeat.
 */
export function openRedisRpcResults(options: ResultsOptions): ResultsPart {
  const { events, transport } = options;
  const list = transport.global_keyprefix + options.replyTo;
  let isLeaving = false;
  const replies = new ReplyList(list, (envelope, isRepeat) =>
    deliver(envelope, isRepeat, events.result),
  );
  const link = new RedisLink({
    address: parseRedisUrl(options.url),
    name: `${options.clientName}:results`,
    events: {
      async prepare() {},
      up(downMs) {
        events.up("backend", downMs);
        void replies.read(link, () => isLeaving);
      },
      down: (cause, isConfiguration) => events.down("backend", cause, isConfiguration),
    },
    ...(options.client === "direct" ? { takeOver: { message() {}, async wired() {} } } : {}),
  });
  link.open();
  return {
    results: {
      get ready() {
        return link.isUp;
      },
      // The list has kept what came meanwhile: there is nothing to ask.
      lookUp: async () => {},
      forget: async () => {}, // a reply is gone when it has been read
      startChords: async () => {
        throw new Error("rpc:// has no chords"); // the configuration has refused them
      },
    },
    optional: null,
    checkLiveness: (isLate) => link.checkLiveness(isLate),
    async close(isOwed) {
      isLeaving = true;
      // Should it fail, the link has said so, and what is at stake is a few late replies.
      if (link.isUp && isOwed) await letExpire(link, list).catch(() => {});
      link.close();
    },
  };
}

/**
 * Replies that come when nobody takes them any more make the list anew, and without an end. An empty
 * element that stays in it gives them one.
 */
async function letExpire(link: RedisLink, list: string): Promise<void> {
  await link.callAll([
    ["MULTI"],
    ["LPUSH", list, ""],
    ["EXPIRE", list, String(LATE_REPLIES_EXPIRE_SECONDS)],
    ["EXEC"],
  ]);
}

/** Reads the replies in a list whose only reader it is, those that came first at first. */
class ReplyList {
  readonly #list: string;
  readonly #deliver: (envelope: string, isRepeat: boolean) => void;
  /** Read, and not known to have been removed. */
  #unremoved: readonly string[] = [];

  constructor(list: string, deliver: (envelope: string, isRepeat: boolean) => void) {
    this.#list = list;
    this.#deliver = deliver;
  }

  /** Until the connection is lost, or is left as replies cannot be read on it, or it is over. */
  async read(link: RedisLink, isOver: () => boolean): Promise<void> {
    const { client } = link;
    const { stream } = client;
    const list = this.#list;
    const seen = new Set(this.#unremoved);
    try {
      while (!isOver()) {
        // Moves the first of them to the other end, and so waits for one without taking it away.
        const answer = await link.call("BRPOPLPUSH", list, list, WAIT_SECONDS);
        if (answer === null) continue;
        const first = textIn(answer);
        let removed: Promise<unknown> = Promise.resolve();
        // A large one cannot be removed by its value: it is read again where it stands now, and trimmed.
        if (first.length <= MAX_WHOLE_LENGTH) {
          this.#take([first], seen);
          removed = link.call("LREM", list, "1", first);
        }
        let batch = batchAfter([first]);
        while (!isOver()) {
          const last = link.call("LRANGE", list, `${-batch}`, "-1");
          const more = textsIn((await Promise.all([last, removed]))[0]);
          if (more.length === 0) break;
          this.#take(more.reverse(), seen);
          batch = batchAfter(more);
          removed = link.call("LTRIM", list, "0", `${-more.length - 1}`);
        }
        await removed;
      }
    } catch (error) {
      // Refused, or answered with nonsense: nobody would read on this connection any more.
      if (client.stream === stream && !isOver()) link.leave(messageOf(error));
    }
  }

  #take(envelopes: readonly string[], seen: ReadonlySet<string>): void {
    this.#unremoved = envelopes;
    for (const envelope of envelopes) this.#deliver(envelope, seen.has(envelope));
  }
}

/** How many replies to read next, should they be about as large as these. */
function batchAfter(envelopes: readonly string[]): number {
  let length = 1;
  for (const envelope of envelopes) length += envelope.length;
  const fitting = Math.ceil((MAX_BATCH_LENGTH * envelopes.length) / length);
  return Math.min(fitting, 8 * envelopes.length, MAX_BATCH);
}

/** @throws {ProtocolError} when an answer is no array of texts */
function textsIn(answer: unknown): string[] {
  if (Array.isArray(answer)) return answer.map(textIn);
  throw new ProtocolError("no array where one was asked for");
}

function textIn(answer: unknown): string {
  if (typeof answer === "string") return answer;
  throw new ProtocolError("no text where one was asked for");
}

function deliver(
  envelope: string,
  isRepeat: boolean,
  result: ResultsOptions["events"]["result"],
): void {
  const reply = readReply(envelope);
  // Whatever else is in our list is counted as one that matches no task.
  result(reply?.correlationId ?? "", 0, reply?.body ?? "", isRepeat);
}
