import type { HistoryAnswer, Mark, Sample } from "../../history/answer.js";
import type { LiveStatus } from "../../reports/live-status.js";
import { EventReader, type ServerEvent } from "../model/event-reader.js";
import { PageHistory } from "../model/history.js";
import { ask, untilToken } from "./ask.js";
import { changeHistory, link, live } from "./state.js";

/** How long is waited before it is tried again, at first and at last. */
const FIRST_WAIT_MS = 500;
const LAST_WAIT_MS = 10_000;
/** The daemon says something each second: after so long in silence the connection is given up. */
const SILENCE_MS = 5_000;
/** A page that nobody sees gives its connection back: a browser has six for one daemon. */
const HIDDEN_MS = 5_000;

/** Follows the daemon for as long as the page is open and seen. */
export async function follow(): Promise<never> {
  let waitMs = FIRST_WAIT_MS;
  for (;;) {
    await seen();
    const before = link.value;
    try {
      await stream(() => {
        waitMs = FIRST_WAIT_MS;
      });
    } catch {
      // Whatever it was: it is tried again.
    }
    if (document.hidden) continue;
    if (link.value === "token") {
      await untilToken();
      continue;
    }
    if (before !== "connecting" || live.value !== null) link.value = "lost";
    await sleep(waitMs);
    waitMs = Math.min(LAST_WAIT_MS, waitMs * 2);
  }
}

/** One connection, to its end. What was is read when the stream is there, so that nothing is missing between. */
async function stream(onLive: () => void): Promise<void> {
  const given = new AbortController();
  const giveUp = () => given.abort();
  let silence = setTimeout(giveUp, 2 * SILENCE_MS);
  const stopWatching = whenHidden(giveUp);
  try {
    const response = await ask("api/v1/live", { signal: given.signal });
    if (response.status === 401) {
      link.value = "token";
      return;
    }
    if (!response.ok || response.body === null) return;
    const waiting: ServerEvent[] = [];
    let isRead = false;
    const read = async () => {
      isRead = false;
      await readHistory(given.signal);
      isRead = true;
      for (const event of waiting.splice(0)) take(event);
    };
    const take = (event: ServerEvent) => {
      if (!isRead) waiting.push(event);
      else if (!applied(event)) {
        waiting.push(event);
        void read().catch(giveUp);
      }
    };
    void read().catch(giveUp);
    const events = new EventReader();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(giveUp, SILENCE_MS);
      for (const event of events.read(value)) {
        take(event);
        onLive();
      }
    }
  } finally {
    clearTimeout(silence);
    stopWatching();
    giveUp();
  }
}

async function readHistory(signal: AbortSignal): Promise<void> {
  const response = await ask("api/v1/history", { signal });
  if (!response.ok) throw new Error(`the history is answered with ${response.status}`);
  const answer = (await response.json()) as HistoryAnswer;
  changeHistory(() => new PageHistory(answer));
}

/** False: what is known does not fit to it, and has to be read again. */
function applied({ type, data }: ServerEvent): boolean {
  if (type === "status") {
    live.value = JSON.parse(data) as LiveStatus;
    link.value = "live";
    return true;
  }
  let fits = true;
  changeHistory((history) => {
    if (type === "sample") fits = history.add(JSON.parse(data) as Sample);
    if (type === "mark") history.mark(JSON.parse(data) as Mark);
    return undefined;
  });
  return fits;
}

function seen(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
  });
}

function whenHidden(act: () => void): () => void {
  let timer: number | undefined;
  const look = () => {
    window.clearTimeout(timer);
    if (document.hidden) timer = window.setTimeout(act, HIDDEN_MS);
  };
  document.addEventListener("visibilitychange", look);
  return () => {
    window.clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
