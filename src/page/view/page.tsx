import { hasControls, link, live } from "../source/state.js";
import { Announcements } from "./announcements.js";
import { Changes } from "./changes.js";
import { Charts } from "./charts.js";
import { Connections } from "./connections.js";
import { Errors } from "./errors.js";
import { Guards } from "./guards.js";
import { Header } from "./header.js";
import { Notices } from "./notices.js";
import { Now } from "./now.js";
import { OrderDialog } from "./order-dialog.js";
import { Queues } from "./queues.js";
import { Scenarios } from "./scenarios.js";
import { Slos } from "./slos.js";
import { Tasks } from "./tasks.js";
import { TokenForm } from "./token-form.js";
import { Workers } from "./workers.js";

/** The whole page, the most important first. */
export function Page() {
  const status = live.value;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the numbers
      </a>
      <Header />
      <main id="main" class={link.value === "lost" ? "is-old" : ""}>
        {link.value === "token" && <TokenForm />}
        {status === null ? (
          link.value !== "token" && <p class="empty">Waiting for the first numbers…</p>
        ) : (
          <>
            <Notices live={status} />
            <Now live={status} />
            <Scenarios live={status} />
            <Charts />
            <Tasks live={status} />
            <div class="columns">
              <Queues live={status} />
              <Workers live={status} />
              <Slos live={status} />
              <Guards live={status} />
              <Errors live={status} />
              <Connections live={status} />
            </div>
            <Changes live={status} />
            <Ledger />
          </>
        )}
      </main>
      {hasControls && <OrderDialog />}
      <Announcements />
    </>
  );
}

/** Which build and which configuration, and that nothing is missing. */
function Ledger() {
  const { status } = live.value!;
  const { planned, published } = status.total;
  return (
    <footer>
      <p>
        {status.balanced
          ? `Every task is accounted for: ${planned.toLocaleString("en-GB")} planned, ${published.toLocaleString("en-GB")} published.`
          : "The ledger does not add up: a defect of ours."}
      </p>
      <p>
        celery-load {status.version} ({status.commit}), configuration {status.configHash}
        {link.value !== "frozen" && (
          <>
            {" · "}
            <a href="metrics">metrics</a> · <a href="api/v1/status">status</a> ·{" "}
            <a href="api/v1/openapi.json">API</a>
          </>
        )}
      </p>
    </footer>
  );
}
