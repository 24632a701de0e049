import { useSignal } from "@preact/signals";
import type { Mark } from "../../history/answer.js";
import type { LiveStatus } from "../../reports/live-status.js";
import { dateText } from "../model/format.js";
import { heldBy } from "../model/headline.js";
import { changeOf, effectText, newestMarks } from "../model/marks.js";
import { undoForm } from "../model/orders.js";
import { hasControls, history, zone } from "../source/state.js";
import { askOrder } from "./order-dialog.js";
import { Section, Table } from "./parts.js";

/** What happened, the newest first: who changed what, why, and what came of it. */
export function Changes({ live }: { live: LiveStatus }) {
  const isAll = useSignal(false);
  const { marks } = history.value.current;
  const rows = newestMarks(marks, isAll.value);
  const held = new Map(
    live.control.scenarios.flatMap((scenario) =>
      heldBy(scenario).map(({ id, isGuard }) => [id, isGuard] as const),
    ),
  );
  return (
    <Section
      title="What happened"
      name="changes"
      side={
        <label class="choice">
          <input
            type="checkbox"
            checked={isAll.value}
            onChange={(event) => {
              isAll.value = event.currentTarget.checked;
            }}
          />
          stages and states, too
        </label>
      }
    >
      {rows.length === 0 ? (
        <p class="empty">Nobody has changed anything.</p>
      ) : (
        <Table
          caption="What happened"
          heads={[["when"], ["who"], ["what"], ["why"], ["in its first minute"], ["(undo)"]]}
        >
          {rows.map((mark) => (
            <Row key={mark.number} mark={mark} canUndo={isUndoable(mark, held)} />
          ))}
        </Table>
      )}
    </Section>
  );
}

function isUndoable(mark: Mark, held: ReadonlyMap<string, boolean>): boolean {
  return hasControls && held.get(changeOf(mark).id) === false;
}

function Row({ mark, canUndo }: { mark: Mark; canUndo: boolean }) {
  const { actor, scenario, reason, id } = changeOf(mark);
  const what = scenario === null ? mark.text : `${scenario}: ${mark.text}`;
  return (
    <tr>
      <td class="when">{dateText(mark.at, zone.value)}</td>
      <td>{actor}</td>
      <td class="words">{what}</td>
      <td class="words">{reason === "" ? <span class="muted">no reason given</span> : reason}</td>
      <td class="words">{effectText(mark)}</td>
      <td>
        {canUndo && (
          <button
            type="button"
            aria-label={`Undo ${what}`}
            onClick={() => askOrder(undoForm(id, what, scenario))}
          >
            Undo…
          </button>
        )}
      </td>
    </tr>
  );
}
