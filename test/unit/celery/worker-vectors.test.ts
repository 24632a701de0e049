import assert from "node:assert/strict";
import { test } from "node:test";
import { dateDoneUnixMs, readResult } from "../../../src/celery/results/result.js";
import { setUp } from "../engine/life.js";
import { CELERY_VERSIONS, type CeleryVersion, workerVectors } from "./worker-vectors.js";

/**
 * What each case means: the messages in their order, then what becomes of the task. A task "in flight"
 * never answers and will time out. Repeated final states are written once for each time.
 */
type Meaning = `${string} => ${string}`;
/** One meaning where all versions agree. */
type Row = Meaning | Readonly<Record<CeleryVersion, Meaning>>;
type Table = Readonly<Record<string, Row>>;

const SUCCESS = "STARTED, SUCCESS => succeeded";
const HANGS = "STARTED => in flight";
const SILENT = " => in flight";

/** On Redis and over rpc:// alike. */
const TASKS: Table = {
  success: SUCCESS,
  "success-dict": SUCCESS,
  failure: "STARTED, FAILURE ValueError => failed",
  "failure-custom": "STARTED, FAILURE WireError => failed",
  retry: "STARTED, RETRY RuntimeError, STARTED, SUCCESS => succeeded, 1 retry",
  reject: { "celery-5.2": HANGS, "celery-5.7": "STARTED, FAILURE Reject => failed" },
  ignore: HANGS,
  // A task that ignores its result; a header that says otherwise is obeyed since Celery 5.3.
  noresult: { "celery-5.2": SILENT, "celery-5.7": SUCCESS },
  "noresult-header-null": SILENT,
  "noresult-header-false": { "celery-5.2": SILENT, "celery-5.7": SUCCESS },
  "noresult-header-true": { "celery-5.2": HANGS, "celery-5.7": SILENT },
  "noresult-fail": SILENT,
  "noresult-fail-stored": "FAILURE KeyError => failed",
  children: SUCCESS,
  unserializable: "STARTED, FAILURE EncodeError => failed",
  expired: "REVOKED TaskRevokedError => revoked",
  "unknown-task": "FAILURE NotRegistered => failed",
  "bad-signature": "STARTED, FAILURE TypeError => failed",
  "soft-limit": "STARTED, FAILURE SoftTimeLimitExceeded => failed",
  "hard-limit":
    "STARTED, FAILURE TimeLimitExceeded, FAILURE TimeLimitExceeded => failed, 1 duplicate",
  "revoked-terminated": "STARTED, REVOKED TaskRevokedError => revoked",
  "revoked-blocker": SUCCESS,
  "revoked-waiting": "REVOKED TaskRevokedError => revoked",
};

/** Redis: chains and chords too. 5.7 stores REVOKED when it is told, and again when it has ended. */
const TASKS_ON_REDIS: Table = {
  ...TASKS,
  "revoked-terminated": {
    "celery-5.2": "STARTED, REVOKED TaskRevokedError => revoked",
    "celery-5.7":
      "STARTED, REVOKED TaskRevokedError, REVOKED TaskRevokedError => revoked, 1 duplicate",
  },
  "revoked-waiting": {
    "celery-5.2": "REVOKED TaskRevokedError => revoked",
    "celery-5.7": "REVOKED TaskRevokedError, REVOKED TaskRevokedError => revoked, 1 duplicate",
  },
  "chain-last": SUCCESS,
  "chain-first": SUCCESS,
  "chord-body": SUCCESS,
  "chord-body-failed-header": "FAILURE ChordError => failed",
  "errback-parent": "STARTED, FAILURE ValueError => failed",
};

const ODD_MESSAGES: Table = {
  "only-task-and-id": "SUCCESS => succeeded",
  "lang-js-empty-embed": "SUCCESS => succeeded",
  "embed-null": "SUCCESS => succeeded",
  "compact-json-raw-utf8": "SUCCESS => succeeded",
  "args-null": "FAILURE TypeError => failed",
  "kwargs-null": SILENT,
  "body-two-elements": SILENT,
  "no-id-header": SILENT,
  "no-body-encoding-plain-body": "SUCCESS => succeeded",
  "no-priority": "SUCCESS => succeeded",
  "no-delivery-info": SILENT,
  "no-correlation-id": "SUCCESS => succeeded",
  "camelcase-properties": "SUCCESS => succeeded",
  "eta-Z-past": "SUCCESS => succeeded",
  "eta-invalid": SILENT,
  "expires-past-Z": "REVOKED TaskRevokedError => revoked",
  "content-type-msgpack": SILENT,
  "body-not-json": SILENT,
  "nan-argument": "SUCCESS => succeeded",
  "tagged-unknown-type": { "celery-5.2": "SUCCESS => succeeded", "celery-5.7": SILENT },
  "argsrepr-custom": "SUCCESS => succeeded",
  "no-delivery-tag": SILENT,
  "after-no-delivery-tag": "SUCCESS => succeeded",
};

const EXTENDED: Table = {
  "success-extended": SUCCESS,
  "failure-extended": "STARTED, FAILURE ValueError => failed",
};

const FILES = {
  redis: TASKS_ON_REDIS,
  "redis-extended": EXTENDED,
  rpc: TASKS,
  "odd-messages": ODD_MESSAGES,
} as const;

for (const version of CELERY_VERSIONS) {
  for (const [file, table] of Object.entries(FILES) as [keyof typeof FILES, Table][]) {
    const vectors = workerVectors(version, file);
    test(`${version} ${file}: every case has a meaning here, and every meaning its case`, () => {
      assert.deepEqual([...vectors.keys()].sort(), Object.keys(table).sort());
    });
    for (const [name, row] of Object.entries(table)) {
      const meaning = typeof row === "string" ? row : row[version];
      test(`${version} ${file}, ${name}: ${meaning}`, () => {
        const messages = vectors.get(name)!;
        assert.equal(`${messages.map(asRead).join(", ")} => ${outcomeOf(messages)}`, meaning);
        for (const message of messages) assertTime(message, version, file);
      });
    }
  }

  test(`${version}: what else is published on the same Redis is no result`, () => {
    for (const [channel, messages] of workerVectors(version, "other-channels")) {
      for (const message of messages) assert.equal(asRead(message), "MALFORMED", channel);
    }
  });
}

for (const version of CELERY_VERSIONS) {
  test(`${version}: whoever asks for the stored result learns the same outcome as who listened`, () => {
    for (const [name, messages] of workerVectors(version, "redis")) {
      if (messages.length === 0) continue;
      const { life, broker, count, start } = setUp();
      start();
      broker.requests[0]!.done("accepted");
      const isSettled = life.recovered(broker.requests[0]!.ids[0]!, messages.at(-1)!);
      const outcome = isSettled ? settledAs(count) : "in flight";
      assert.equal(outcome, outcomeOf(messages).split(",")[0], name);
    }
  });
}

function asRead(message: string): string {
  const { state, exception } = readResult(message);
  return exception === "" ? state : `${state} ${exception}`;
}

/** Puts a task through the engine's spine and gives it these messages for its own. */
function outcomeOf(messages: readonly string[]): string {
  const { broker, view, start, resultText, count, assertBalanced } = setUp();
  start();
  broker.requests[0]!.done("accepted");
  for (const message of messages) {
    resultText(broker.requests[0]!.ids[0]!, message);
    assertBalanced();
  }
  assert.equal(view().engine("malformedResults"), 0);
  assert.equal(view().engine("unmatchedResults"), 0);
  assert.equal(count("late"), 0);
  const times = count("succeeded") + count("failed") + count("revoked");
  assert.equal(times + view().inFlight(0), 1, "settled once, or in flight");
  const [retries, duplicates] = [count("retries"), count("duplicate")];
  return [
    times === 1 ? settledAs(count) : "in flight",
    ...(retries > 0 ? [`${retries} retry`] : []),
    ...(duplicates > 0 ? [`${duplicates} duplicate`] : []),
  ].join(", ");
}

function settledAs(count: ReturnType<typeof setUp>["count"]): string {
  return (["succeeded", "failed", "revoked"] as const).find((name) => count(name) === 1) ?? "";
}

/** `date_done` of final states, to the millisecond; replies of Celery 5.2 carry none. */
function assertTime(message: string, version: CeleryVersion, file: keyof typeof FILES): void {
  const { date_done: time = null } = JSON.parse(message.replaceAll("NaN", "null"));
  const isFinal = ["SUCCESS", "FAILURE", "REVOKED"].includes(readResult(message).state);
  assert.equal(time !== null, isFinal && !(version === "celery-5.2" && file === "rpc"));
  const read = dateDoneUnixMs(message);
  if (time === null) {
    assert.ok(Number.isNaN(read));
    return;
  }
  assert.equal(/\+00:00$/.test(time), version === "celery-5.7");
  assert.equal(Math.floor(read), Date.parse(time.replace(/(\+00:00)?$/, "Z")));
}
