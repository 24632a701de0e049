import assert from "node:assert/strict";
import "../../support/dispose.js";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { resolveManagementUrl } from "../../../src/celery/urls/management-url.js";
import { resolveUrl } from "../../../src/celery/urls/resolved-url.js";
import { DEFAULT_TRANSPORT } from "../../../src/celery/urls/transport.js";
import { typeByManagement } from "../../../src/connections/amqp/management.js";
import type { LinkReport } from "../../../src/connections/observe-ports.js";
import { openClaim, openControl, openEvents, openLook } from "../../../src/connections/open.js";

/** Counts who comes, and sends them away. */
class Doorkeeper implements AsyncDisposable {
  visitors = 0;
  readonly #server = createServer((socket) => {
    this.visitors++;
    socket.on("error", () => {});
    socket.destroy();
  });

  /** @returns its port on 127.0.0.1 */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** `localhost` is 127.0.0.1, and maybe ::1. */
const ELSEWHERE = ["localhost", "10.0.0.0/8"];
const HERE = ["localhost", "127.0.0.0/8"];

interface Opened {
  close(): Promise<void>;
}
interface Options {
  readonly url: string;
  readonly transport: typeof DEFAULT_TRANSPORT;
  readonly report: LinkReport;
}

const OPENERS: Readonly<Record<string, (options: Options) => Opened>> = {
  look: openLook,
  control: (options) => openControl({ ...options, malformed() {} }),
  events: (options) => openEvents({ ...options, received() {} }),
  claim: (options) => openClaim({ ...options, subject: "steady:1/1", keptMs: 3_000 }),
};

for (const start of ["redis://", "rediss://", "amqp://", "amqps://"]) {
  for (const [purpose, open] of Object.entries(OPENERS)) {
    test(`${start} for ${purpose}: a name is followed to allowed addresses only`, async () => {
      const first = await firstCause(open, start, ELSEWHERE);
      assert.match(first.cause, /^localhost is .*127\.0\.0\.1.*in no network of allow\.hosts/);
      assert.ok(first.isConfiguration);
      assert.equal(first.visitors, 0);
      assert.ok((await firstCause(open, start, HERE)).visitors > 0);
    });
  }
}

test("the management API is asked at an allowed address only", async () => {
  await using keeper = new Doorkeeper();
  const port = await keeper.listen();
  const ask = (allowed: readonly string[]) =>
    typeByManagement(resolveManagementUrl(`http://localhost:${port}`, allowed), "/", "celery");
  await assert.rejects(
    ask(ELSEWHERE),
    /is not asked: localhost is .*in no network of allow\.hosts/,
  );
  assert.equal(keeper.visitors, 0);
  await assert.rejects(ask(HERE), /does not answer/);
  assert.equal(keeper.visitors, 1);
});

/** Why it is not connected at first, and how often it came until then. */
async function firstCause(
  open: (options: Options) => Opened,
  start: string,
  allowedHosts: readonly string[],
) {
  await using keeper = new Doorkeeper();
  const port = await keeper.listen();
  let opened: Opened | undefined;
  const why = await new Promise<{ cause: string; isConfiguration: boolean }>((resolve) => {
    opened = open({
      url: resolveUrl(`${start}localhost:${port}`, { allowedHosts }),
      transport: DEFAULT_TRANSPORT,
      report: {
        up() {},
        down: (cause, isConfiguration) => resolve({ cause, isConfiguration }),
      },
    });
  });
  const { visitors } = keeper;
  await opened?.close();
  return { ...why, visitors };
}
