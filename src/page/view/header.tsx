import { dateText, durationText, timeText } from "../model/format.js";
import { runText } from "../model/headline.js";
import { formForAll } from "../model/orders.js";
import { chooseZone, hasControls, type Link, link, live, zone } from "../source/state.js";
import { askOrder } from "./order-dialog.js";

/** Whose page it is, whether it is live, and what concerns all of it. */
export function Header() {
  const status = live.value;
  const isKilled = status !== null && status.control.killSwitch !== null;
  return (
    <header>
      <h1>
        <Mark />
        celery-load
      </h1>
      {status !== null && (
        <p class="run">
          {runText(status)}
          <span class="muted"> for {durationText(status.status.seconds)}</span>
        </p>
      )}
      <LinkState />
      <div class="acts">
        <button
          type="button"
          class="quiet"
          onClick={() => chooseZone(zone.value === "UTC" ? "local" : "UTC")}
        >
          <span class="hidden">Times are in </span>
          {zone.value === "UTC" ? "UTC" : "local time"}
        </button>
        {hasControls && status !== null && (
          <>
            <button type="button" onClick={() => askOrder(formForAll("reload"))}>
              Reload…
            </button>
            <button
              type="button"
              class={isKilled ? "" : "danger"}
              onClick={() => askOrder(formForAll(isKilled ? "release" : "stop-all"))}
            >
              {isKilled ? "Release…" : "Kill switch…"}
            </button>
          </>
        )}
      </div>
    </header>
  );
}

const WORDS: Readonly<Record<Link, string>> = {
  connecting: "connecting",
  live: "live",
  lost: "connection lost",
  token: "a token is needed",
  frozen: "a run that is over",
};

function LinkState() {
  const at = live.value?.at;
  const time =
    at === undefined
      ? ""
      : link.value === "frozen"
        ? dateText(at, zone.value)
        : timeText(at, zone.value);
  return (
    <p class={`link is-${link.value}`}>
      <span class="dot" aria-hidden="true" />
      <span role="status">{WORDS[link.value]}</span>
      {time !== "" && <time class="muted">{link.value === "live" ? time : `as of ${time}`}</time>}
    </p>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <path d="M3 21h6l4-12 6 17 4-12 2 7h4" />
    </svg>
  );
}
