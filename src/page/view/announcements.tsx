import { signal } from "@preact/signals";

const said = signal("");

/** Says something to those who hear the page. */
export function announce(text: string): void {
  said.value = text;
}

/** Where it is said. */
export function Announcements() {
  return (
    <div class="hidden" role="status">
      {said.value}
    </div>
  );
}
