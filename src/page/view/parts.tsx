import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Tone } from "../model/headline.js";

/** A part of the page with its heading, which names it for those who hear the page. */
export function Section({
  title,
  name,
  children,
  side,
}: {
  title: string;
  name: string;
  children: ComponentChildren;
  /** Beside the heading. */
  side?: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class={`panel ${name}`} aria-labelledby={id}>
      <div class="panel-head">
        <h2 id={id}>{title}</h2>
        {side}
      </div>
      {children}
    </section>
  );
}

/** A word with a colour that means the same; the word alone is enough. */
export function Chip({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`chip is-${tone}`}>{children}</span>;
}

/** How much of something is used, from 0 to 1. What it says is beside it in words. */
export function Bar({ ratio, tone }: { ratio: number; tone: Tone }) {
  const width = `${Math.min(1, Math.max(0, ratio)) * 100}%`;
  return (
    <span class={`bar is-${tone}`} aria-hidden="true">
      <span style={{ width }} />
    </span>
  );
}

/** A table that is scrolled sideways where there is no room for it. */
export function Table({
  caption,
  heads,
  children,
}: {
  caption: string;
  /** In brackets: not to be seen, as what is below speaks for itself. */
  heads: readonly (readonly [text: string, kind?: "number"])[];
  children: ComponentChildren;
}) {
  return (
    <section class="scroll" tabIndex={0} aria-label={`${caption}: the table`}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {heads.map(([text, kind]) => (
              <th key={text} scope="col" class={kind ?? ""}>
                {text.startsWith("(") ? <span class="hidden">{text}</span> : text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}
