import type { LiveStatus } from "../../reports/live-status.js";
import { timeText } from "../model/format.js";
import { noticesOf } from "../model/headline.js";
import { link, zone } from "../source/state.js";

/** What must be known before the numbers are read. */
export function Notices({ live }: { live: LiveStatus }) {
  const notices = noticesOf(live);
  return (
    <div class="notices" role="status" aria-label="Notices">
      {link.value === "lost" && (
        <p class="notice is-bad">
          <strong>Connection lost.</strong> What is shown is of {timeText(live.at, zone.value)}; it
          is tried again.
        </p>
      )}
      {notices.map(({ tone, title, text }) => (
        <p key={title + text} class={`notice is-${tone}`}>
          <strong>{title}:</strong> {text}
        </p>
      ))}
    </div>
  );
}
