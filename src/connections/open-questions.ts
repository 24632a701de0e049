import { randomUUID } from "node:crypto";
import type { ControlReply, ControlRequest, ReplyTo } from "../celery/events/control-message.js";
import { withDeadline } from "../deadline.js";
import type { Answers, Question } from "./observe-ports.js";

/** Questions that wait for answers at the same time; more stand in line. */
const MAX_OPEN = 16;

export interface OpenQuestionsOptions {
  readonly replyTo: ReplyTo;
  /** Broadcasts a request; resolves with how many have heard it, null when the broker does not say. */
  readonly send: (request: ControlRequest) => Promise<number | null>;
  /** An answer could not be read. */
  readonly onMalformed: () => void;
  /** The last question has been answered or given up. */
  readonly onIdle: () => void;
}

interface OpenQuestion {
  take(reply: ControlReply): void;
  fail(error: unknown): void;
  readonly over: Promise<unknown>;
}

/** Matches answers with questions by their ticket and ends each question in time. */
export class OpenQuestions {
  readonly #options: OpenQuestionsOptions;
  readonly #open = new Map<string, OpenQuestion>();

  constructor(options: OpenQuestionsOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** As `Control.ask()`. */
  async ask(question: Question): Promise<Answers> {
    while (this.#open.size >= MAX_OPEN) {
      await Promise.race([...this.#open.values()].map(({ over }) => over));
    }
    const ticket = randomUUID();
    const answers = this.#collect(ticket, question);
    try {
      return await answers;
    } finally {
      this.#open.delete(ticket);
      if (this.isEmpty) this.#options.onIdle();
    }
  }

  /** An answer has come. Those to questions that are over are dropped. */
  reply(reply: ControlReply | null): void {
    if (reply === null) this.#options.onMalformed();
    else this.#open.get(reply.ticket)?.take(reply);
  }

  /** No answer can come any more. */
  fail(error: unknown): void {
    for (const question of this.#open.values()) question.fail(error);
  }

  async #collect(ticket: string, question: Question): Promise<Answers> {
    const { method, args = {}, destination = null, timeoutMs, expected } = question;
    const replies: ControlReply[] = [];
    let heardBy: number | null = null;
    let isSent = false;
    let settle = () => {};
    let fail = (_error: unknown) => {};
    const enough = new Promise<void>((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });
    const settleWhenEnough = () => {
      const wanted = expected ?? destination?.length ?? heardBy ?? Number.POSITIVE_INFINITY;
      if (isSent && replies.length >= wanted) settle();
    };
    this.#open.set(ticket, {
      take(reply) {
        replies.push(reply);
        settleWhenEnough();
      },
      fail,
      over: enough.catch(() => {}), // for those who stand in line
    });
    const timer = setTimeout(settle, timeoutMs);
    try {
      const sending = this.#options.send({
        method,
        arguments: args,
        destination,
        ticket,
        replyTo: expected === 0 ? null : this.#options.replyTo,
        expiresUnixSeconds: (Date.now() + timeoutMs) / 1000,
      });
      heardBy = await withDeadline(sending, timeoutMs, `sending "${method}" to the workers`);
      isSent = true;
      settleWhenEnough();
      await enough;
      return { replies, heardBy };
    } finally {
      clearTimeout(timer);
      settle();
    }
  }
}
