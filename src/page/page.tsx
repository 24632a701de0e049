import { effect } from "@preact/signals";
import { render } from "preact";
import type { FrozenRun } from "../reports/live-status.js";
import { titleOf } from "./model/headline.js";
import { follow } from "./source/follow.js";
import { freeze, live } from "./source/state.js";
import { Page } from "./view/page.js";

const frozen = document.getElementById("run")?.textContent;
if (frozen) freeze(JSON.parse(frozen) as FrozenRun);
else void follow();

// What the tab says while another one is in front.
effect(() => {
  document.title = titleOf(live.value);
});
render(<Page />, document.getElementById("page")!);
