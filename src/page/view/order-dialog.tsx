import { batch, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import {
  doubtOf,
  type Field,
  type OrderForm,
  previewOf,
  requestOf,
  revisionTried,
  TTL_CHOICES,
  type Typed,
} from "../model/orders.js";
import { type Given, giveOrder, tryOrder } from "../source/give-order.js";
import { announce } from "./announcements.js";

const form = signal<OrderForm | null>(null);
const typed = signal<Typed>({});
const reason = signal("");
/** What the last dry run has said; null: it is under way. */
const tried = signal<Given | null>(null);
const isSure = signal(false);
const isGiving = signal(false);
/** Said after a try to give it. */
const refusal = signal<string | null>(null);

/** Opens the dialog for an order. */
export function askOrder(wanted: OrderForm): void {
  batch(() => {
    form.value = wanted;
    typed.value = Object.fromEntries(wanted.fields.map(({ key, first }) => [key, first]));
    reason.value = "";
    refusal.value = null;
    isSure.value = false;
  });
  void dryRun();
}

function close(): void {
  form.value = null;
}

let run = 0;

/** Has the daemon say what it would come to; only the answer to the last question counts. */
async function dryRun(): Promise<void> {
  const wanted = form.value;
  if (wanted === null) return;
  const own = ++run;
  tried.value = null;
  const given = await tryOrder(requestOf(wanted, typed.value, reason.value));
  if (own === run) tried.value = given;
}

let waiting = 0;

function type(key: string, text: string): void {
  batch(() => {
    typed.value = { ...typed.value, [key]: text };
    isSure.value = false;
    refusal.value = null;
    tried.value = null;
  });
  window.clearTimeout(waiting);
  waiting = window.setTimeout(() => void dryRun(), TYPING_MS);
}

/** Whoever types has a pause before it is asked. */
const TYPING_MS = 250;

/** Gives it, when what it comes to is known of what stands there now, and whoever hurts something is sure. */
async function give(wanted: OrderForm): Promise<void> {
  const known = tried.value;
  if (known?.isDone !== true || isGiving.value) return;
  const { answer } = known;
  if (doubtOf(wanted, answer) !== null && !isSure.value) return;
  isGiving.value = true;
  const request = requestOf(wanted, typed.value, reason.value);
  const given = await giveOrder(request, revisionTried(wanted, answer));
  isGiving.value = false;
  if (given.isDone) {
    announce(`Done: ${wanted.title}.`);
    close();
    return;
  }
  refusal.value = given.isOutdated
    ? "Somebody has changed something meanwhile: look again at what it comes to, then send it."
    : given.detail;
  isSure.value = false;
  await dryRun();
}

/** One order at a time: what it is, what it would come to, why, and whether it is meant. */
export function OrderDialog() {
  const wanted = form.value;
  return wanted === null ? null : <Dialog key={wanted.title} wanted={wanted} />;
}

function Dialog({ wanted }: { wanted: OrderForm }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    const shown = dialog.current!;
    shown.showModal();
    // As the Tab key does: what is typed takes the place of what is there.
    if (document.activeElement instanceof HTMLInputElement) document.activeElement.select();
    return () => {
      // As long as it is open, nothing beside it can have the focus; it may go before the browser has closed it.
      shown.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const given = tried.value;
  const answer = given?.isDone === true ? given.answer : null;
  const doubt = doubtOf(wanted, answer);
  const canSend = answer !== null && !isGiving.value && (doubt === null || isSure.value);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="order-title"
      onClose={() => dialog.current !== null && close()}
      onCancel={close}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void give(wanted);
        }}
      >
        <h2 id="order-title">{wanted.title}</h2>
        <p class="muted">{wanted.explanation}</p>
        {wanted.fields.map((field) => (
          <Input key={field.key} field={field} fault={faultOf(given, field.key)} />
        ))}
        <label class="field">
          <span>Reason</span>
          <input
            type="text"
            maxLength={500}
            value={reason.value}
            placeholder="for the log, and whoever comes next"
            onInput={(event) => {
              reason.value = event.currentTarget.value;
            }}
          />
        </label>
        <Outcome given={given} />
        {doubt !== null && answer !== null && (
          <label class="choice sure">
            <input
              type="checkbox"
              checked={isSure.value}
              onChange={(event) => {
                isSure.value = event.currentTarget.checked;
              }}
            />
            Yes: {doubt}
          </label>
        )}
        {refusal.value !== null && (
          <p class="bad" role="alert">
            {refusal.value}
          </p>
        )}
        <div class="acts">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class={doubt === null ? "primary" : "danger"} disabled={!canSend}>
            {wanted.verb}
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** What a dry run has said of one field. */
function faultOf(given: Given | null, key: string): string | null {
  if (given === null || given.isDone) return null;
  return (
    given.errors.find(({ path }) => path === key || path.startsWith(`${key}.`))?.message ?? null
  );
}

function Input({ field, fault }: { field: Field; fault: string | null }) {
  const { key, label, hint, kind } = field;
  const value = typed.value[key] ?? "";
  const id = `order-${key}`;
  const note = fault ?? hint;
  const described = note === "" ? {} : { "aria-describedby": `${id}-note` };
  const common = { id, ...described, "aria-invalid": fault !== null };
  return (
    <div class={kind === "check" ? "field is-check" : "field"}>
      <label for={id}>{label}</label>
      {kind === "ttl" ? (
        <select
          {...common}
          value={value}
          onChange={(event) => type(key, event.currentTarget.value)}
        >
          {TTL_CHOICES.map(([choice, words]) => (
            <option key={choice} value={choice}>
              {words}
            </option>
          ))}
        </select>
      ) : kind === "check" ? (
        <input
          {...common}
          type="checkbox"
          checked={value !== ""}
          onChange={(event) => type(key, event.currentTarget.checked ? "true" : "")}
        />
      ) : (
        <input
          {...common}
          type="text"
          inputMode={kind === "number" ? "decimal" : "text"}
          autocomplete="off"
          value={value}
          onInput={(event) => type(key, event.currentTarget.value)}
        />
      )}
      {note !== "" && (
        <span id={`${id}-note`} class={fault === null ? "muted small" : "bad small"}>
          {note}
        </span>
      )}
    </div>
  );
}

/** What it would come to. */
function Outcome({ given }: { given: Given | null }) {
  const { lines, isTooMuch } =
    given === null
      ? { lines: ["It is asked what this would come to…"], isTooMuch: false }
      : given.isDone
        ? previewOf(given.answer)
        : { lines: [given.detail], isTooMuch: true };
  return (
    <div
      class={isTooMuch ? "outcome is-bad" : "outcome"}
      aria-live="polite"
      aria-busy={given === null}
    >
      <h3>{given?.isDone === false ? "It would be refused" : "What it comes to"}</h3>
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  );
}
