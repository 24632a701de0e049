import { randomUUID } from "node:crypto";
import {
  mailboxOf,
  readRedisControlReply,
  redisControlEnvelope,
} from "../../celery/events/control-message.js";
import { fanoutChannel } from "../../celery/events/fanout-channel.js";
import { parseRedisUrl } from "../../celery/urls/redis-url.js";
import { withDeadline } from "../../deadline.js";
import type { ControlOptions, RemoteControl } from "../observe-ports.js";
import { OpenQuestions } from "../open-questions.js";
import { databasesOf } from "./fanout-databases.js";
import { RedisLink } from "./link.js";

/** How long one BRPOP waits for an answer; a PING of the link waits behind it. */
const WAIT_SECONDS = 1;
const CLOSE_MS = 1_000;

/**
 * Remote control over kombu's Redis transport: the request is published on a channel, and workers push
 * their answers to a list of ours that is bound in a set (`kombu/transport/redis.py _queue_bind`). The
 * binding exists while a question is open: an answer that comes later finds none, and the worker drops it.
 */
export function openRedisControl(options: ControlOptions): RemoteControl {
  const { transport, clientName, report } = options;
  const address = parseRedisUrl(options.url);
  const prefix = transport.global_keyprefix;
  const id = randomUUID();
  const { requests, replies } = mailboxOf(transport.control_exchange);
  const queue = `${id}.${replies}`;
  const list = prefix + queue;
  const bindings = `${prefix}_kombu.binding.${replies}`;
  const member = [id, "", queue].join(transport.sep);
  const channels = databasesOf(address).map((db) => fanoutChannel(transport, db, requests));
  let isReading = false;
  /** Our member may be in the set of bindings. */
  let isBound = false;

  const questions = new OpenQuestions({
    replyTo: { exchange: replies, routing_key: id },
    async send(request) {
      if (!sender.isUp || !reader.isUp) throw new Error("the broker is not connected");
      isBound = true;
      await sender.client.sadd(bindings, member);
      void readReplies();
      const envelope = redisControlEnvelope(request, requests);
      const heard = await Promise.all(
        channels.map((channel) => sender.count("PUBLISH", channel, envelope)),
      );
      return heard.reduce((sum, count) => sum + count, 0);
    },
    onMalformed: () => options.malformed?.(),
    onIdle: () => void unbind().catch(() => {}), // left to the next connection, or to close()
  });

  async function readReplies(): Promise<void> {
    if (isReading) return;
    isReading = true;
    try {
      while (!questions.isEmpty) {
        const reply = await reader.client.brpop(list, WAIT_SECONDS);
        if (reply !== null) questions.reply(readRedisControlReply(String(reply[1])));
      }
    } catch (error) {
      questions.fail(error);
    } finally {
      isReading = false;
    }
  }

  async function unbind(): Promise<void> {
    if (!isBound || !questions.isEmpty) return;
    await removeReplies();
    if (questions.isEmpty) isBound = false;
  }

  /** Not in one transaction: in a cluster the two keys may lie in different slots. */
  async function removeReplies(): Promise<void> {
    await sender.callAll([
      ["SREM", bindings, member],
      ["DEL", list],
    ]);
  }

  const open = (name: string, prepare: () => Promise<void>): RedisLink =>
    new RedisLink({
      address,
      name: `${clientName}:${name}`,
      isOptional: true,
      events: {
        prepare,
        up() {
          if (sender.isUp && reader.isUp) report.up();
        },
        down: (cause, isConfiguration) => report.down(cause, isConfiguration),
      },
    });
  const sender = open("control", unbind);
  // A connection that waits in BRPOP can send nothing.
  const reader = open("control-replies", async () => {});
  for (const link of [sender, reader]) link.open();

  return {
    ask: (question) => questions.ask(question),
    stepAside() {
      for (const link of [sender, reader]) link.stepAside();
    },
    checkLiveness(isLate) {
      for (const link of [sender, reader]) link.checkLiveness(isLate);
    },
    async close() {
      questions.fail(new Error("the connection was closed"));
      try {
        // Once more for the list: a worker may have looked the binding up just before it went.
        await withDeadline(removeReplies(), CLOSE_MS, "removing our reply list");
      } catch {
        // Without a connection nothing can be removed; one member of a set stays behind.
      }
      for (const link of [sender, reader]) link.close();
    },
  };
}
