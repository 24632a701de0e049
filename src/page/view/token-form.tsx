import { useSignal } from "@preact/signals";
import { giveToken, hasToken } from "../source/ask.js";

/** Asks for what `control.tokenFile` holds. */
export function TokenForm() {
  const text = useSignal("");
  return (
    <form
      class="panel token"
      onSubmit={(event) => {
        event.preventDefault();
        giveToken(text.value.trim());
      }}
    >
      <h2>This daemon wants a token</h2>
      {hasToken() && (
        <p class="bad" role="alert">
          It does not know the one that was given.
        </p>
      )}
      <label class="field">
        <span>Token, as the file of control.tokenFile has it</span>
        <input
          type="password"
          autocomplete="current-password"
          required
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
      </label>
      <button type="submit" class="primary">
        Use it
      </button>
    </form>
  );
}
