import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { loadConfig } from "../../src/config/load.js";
import { parseRate } from "../../src/config/quantities.js";
import { type Arrival, createArrivals } from "../../src/plan/arrival.js";
import { createProfile, hasRate } from "../../src/plan/profile.js";
import { startCeleryWorker } from "../../src/setup/celery-worker.js";
import { CHECKOUT } from "../../src/setup/checkout.js";
import { type ProgramResult, runProgram } from "../../src/setup/programs.js";
import { ensurePython } from "../../src/setup/python.js";
import type { ServerProcess } from "../../src/setup/server-process.js";
import { celeryLoad } from "../support/command.js";
import { startCeleryExporter } from "../support/exporters.js";
import { startPrometheus } from "../support/prometheus.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { scratchFile } from "../support/scratch.js";
import { startWorker } from "../support/worker.js";

/** Planted in arguments and results. */
const SECRET = "s3cr3t-of-a-customer";
const ADD = { name: "tests.add", queue: "celery", args: [SECRET, "x"] };
const SLEEP = { name: "tests.sleep", queue: "images", args: [0.05] };

/** What producers send, and what is to be learned of it. */
const MIXTURES = {
  even: {
    arrival: "even",
    rate: 20,
    tasks: [
      { ...ADD, weight: 3, andThen: "tests.add" },
      { ...SLEEP, weight: 1 },
    ],
  },
  poisson: {
    arrival: "poisson",
    rate: 50,
    tasks: [
      { ...ADD, weight: 4 },
      { ...SLEEP, weight: 1 },
    ],
  },
  bursts: {
    arrival: 40,
    rate: 20,
    tasks: [
      { ...ADD, weight: 1 },
      { ...SLEEP, weight: 1 },
    ],
  },
} as const;
type Mixture = keyof typeof MIXTURES;
const NAMES = Object.keys(MIXTURES) as Mixture[];

const SEND_SECONDS = 82;
const LISTEN_SECONDS = 50;
/** From the same moment on, as far as Prometheus has it when it is asked. */
const RANGE_SECONDS = 60;
const REPLAY_SECONDS = 45;
/** Of rate and mix. */
const TOLERANCE = 0.05;

let redis: TestRedis;
let folder: string;
before(async () => {
  redis = await startRedis();
  folder = await scratchFile("learn");
  await mkdir(folder);
});
after(() => redis.stop());

const databaseOf = (name: Mixture) => 1 + NAMES.indexOf(name);
const replayOf = (name: Mixture) => redis.url(databaseOf(name) + 4);

interface Sent {
  readonly unixMs: number;
  readonly name: string;
}

async function produce(name: Mixture): Promise<readonly Sent[]> {
  const pattern = JSON.stringify({ ...MIXTURES[name], seconds: SEND_SECONDS });
  const script = join(CHECKOUT, "test", "support", "produce.py");
  const result = await runProgram(await ensurePython("current"), [
    ...[script, redis.url(databaseOf(name)), pattern],
  ]);
  assert.equal(result.code, 0, result.stderr);
  return result.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Sent);
}

interface Learned {
  readonly text: string;
  readonly stderr: string;
  readonly file: string;
  readonly arrival: string;
  readonly ratePerSecond: number;
  /** Share of each task, by name. */
  readonly shares: Readonly<Record<string, number>>;
  readonly queues: Readonly<Record<string, string>>;
  readonly runTimes: Readonly<Record<string, Record<string, string> | undefined>>;
}

/** Runs learn, and reads what it wrote. */
async function learn(file: string, args: readonly string[]): Promise<Learned> {
  const result = await celeryLoad(["learn", ...args, "--out", file], { cwd: folder });
  assert.equal(result.code, 0, result.stderr);
  const text = await readFile(join(folder, file), "utf8");
  for (const output of [text, result.stderr, result.stdout]) assert.doesNotMatch(output, /s3cr3t/);
  const checked = await run(["check", file]);
  assert.equal(checked.code, 0, checked.stderr);
  const { tasks, scenarios } = parse(text) as {
    tasks: Record<string, { name: string; queue: string; "x-runTime"?: Record<string, string> }>;
    scenarios: {
      production: { profile: unknown; arrival: string; mix: Record<string, number> };
    };
  };
  const { profile, arrival, mix } = scenarios.production;
  const entries = Object.entries(tasks);
  const all = Object.values(mix).reduce((sum, weight) => sum + weight);
  return {
    ...{ text, stderr: result.stderr, file, arrival },
    ratePerSecond: typeof profile === "string" ? parseRate(profile) : Number.NaN,
    shares: Object.fromEntries(entries.map(([key, { name }]) => [name, mix[key]! / all])),
    queues: Object.fromEntries(entries.map(([, { name, queue }]) => [name, queue])),
    runTimes: Object.fromEntries(entries.map(([, task]) => [task.name, task["x-runTime"]])),
  };
}

function run(args: readonly string[], broker = redis.url(15)): Promise<ProgramResult> {
  return celeryLoad(args, { cwd: folder, env: { STAGING_BROKER_URL: broker } });
}

/** Fails where one is further from the other than the tolerance. */
function assertNear(found: number, expected: number, what: string): void {
  const apart = Math.abs(found / expected - 1);
  console.log(`${what}: ${found.toPrecision(4)} for ${expected.toPrecision(4)}`);
  assert.ok(apart <= TOLERANCE, `${what}: ${found} for ${expected}`);
}

/** What is sent of each task when one of all weights was: with `hasChildren` also what workers send. */
function tasksOf(name: Mixture, hasChildren: boolean) {
  return MIXTURES[name].tasks.map((task) => {
    const children = hasChildren && "andThen" in task ? 2 : 1;
    return { name: task.name, weight: children * task.weight };
  });
}

const total = (tasks: readonly { readonly weight: number }[]) =>
  tasks.reduce((all, { weight }) => all + weight, 0);

function assertMix(
  tasks: ReturnType<typeof tasksOf>,
  { shares }: Pick<Learned, "shares">,
  what: string,
): void {
  const all = total(tasks);
  assert.deepEqual(Object.keys(shares).sort(), tasks.map((task) => task.name).sort());
  for (const task of tasks) {
    const apart = Math.abs(shares[task.name]! - task.weight / all);
    assert.ok(apart <= TOLERANCE, `${what}: ${task.name} ${shares[task.name]}`);
  }
}

test("even, Poisson and burst traffic of Celery's producers is learned from events and from Prometheus, and replayed", async (context) => {
  const use = <Part extends AsyncDisposable>(part: Part): Part => {
    context.after(() => part[Symbol.asyncDispose]());
    return part;
  };
  const jobs = await Promise.all(
    NAMES.map(async (name) => {
      const broker = redis.url(databaseOf(name));
      use(
        await startWorker({
          ...{ broker, concurrency: 8, queues: ["celery", "images"], extraArgs: ["-E"] },
          env: { CELERY_CONF: JSON.stringify({ task_send_sent_event: true }) },
        }),
      );
      const exporter = use(await startCeleryExporter(broker));
      return { job_name: name, static_configs: [{ targets: [exporter.target] }] };
    }),
  );
  const prometheus = use(await startPrometheus(jobs, [], "5s"));
  const producing = Promise.all(NAMES.map(produce));
  await sleep(10_000); // until all producers send and their first tasks are counted
  const beginUnixMs = Date.now();
  const heard = await Promise.all(
    NAMES.map((name) =>
      learn(`${name}-events.yml`, [
        ...["--from", "events", "--broker", redis.url(databaseOf(name))],
        ...["--for", `${LISTEN_SECONDS}s`],
      ]),
    ),
  );
  await sleep(beginUnixMs + RANGE_SECONDS * 1_000 - Date.now());
  const counted = await Promise.all(
    NAMES.map((name) =>
      learn(`${name}-prometheus.yml`, [
        ...["--from", "prometheus", prometheus.url, "--range", `${RANGE_SECONDS}s`],
        ...["--match", `job="${name}"`],
      ]),
    ),
  );
  const endUnixMs = Date.now();
  const sent = await producing;
  const rateBetween = (all: readonly Sent[], from: number, until: number) =>
    all.filter(({ unixMs }) => unixMs >= from && unixMs < until).length / ((until - from) / 1000);

  for (const [index, name] of NAMES.entries()) {
    const [events, counters, all] = [heard[index]!, counted[index]!, sent[index]!];
    console.log(`${name}, from events:\n${events.stderr}`);
    console.log(`${name}, from Prometheus:\n${counters.stderr}`);
    const whileHeard = beginUnixMs + LISTEN_SECONDS * 1_000;
    const ofEvents = rateBetween(all, beginUnixMs, whileHeard);
    assertNear(events.ratePerSecond, ofEvents, `${name}: rate by events`);
    const ofCounters = rateBetween(all, endUnixMs - RANGE_SECONDS * 1_000, endUnixMs);
    // Counters have the second tasks of chains as well.
    const [own, withChildren] = [tasksOf(name, false), tasksOf(name, true)];
    const ofAll = (ofCounters * total(withChildren)) / total(own);
    assertNear(counters.ratePerSecond, ofAll, `${name}: rate by Prometheus`);
    assertMix(own, events, events.file);
    assertMix(withChildren, counters, counters.file);
    for (const learned of [events, counters]) {
      assert.match(learned.stderr, /How well the plan fits +source +plan +apart/);
      assert.match(learned.stderr, /mix +\d+\.\d %/);
      assert.deepEqual(learned.queues, { "tests.add": "celery", "tests.sleep": "images" });
      const p50 = Number(learned.runTimes["tests.sleep"]?.p50?.replace("ms", ""));
      assert.ok(p50 >= 45 && p50 <= 90, learned.text);
    }
    const expected = MIXTURES[name].arrival;
    if (typeof expected === "string") assert.equal(events.arrival, expected, events.text);
    else {
      const size = Number(/^burst of (\d+)$/.exec(events.arrival)?.[1]);
      assert.ok(Math.abs(size - expected) <= 4, events.text);
    }
    assert.match(events.stderr, /gaps between tasks/);
  }
  assert.match(heard[0]!.text, /Not in the mix, as other tasks send them: .*tests\.add/);

  await context.test("the replay has its rate, mix and arrival, on stand-ins", async () => {
    const made = await run(["stand-in", "even-events.yml"]);
    assert.equal(made.code, 0, made.stderr);
    const python = await ensurePython("current");
    await Promise.all(
      NAMES.map(async (name) => {
        const worker = await startStandIn(python, name);
        context.after(() => worker.stop(0));
      }),
    );
    await Promise.all(
      NAMES.map(async (name, index) => {
        const broker = replayOf(name);
        const replay = run(
          [
            ...["run", `${name}-events.yml`, "--for", `${REPLAY_SECONDS}s`, "--json"],
            ...["--set", "connections.main.sendTaskSentEvents=true", "--log-level", "error"],
            ...["--set", "server.listen=127.0.0.1:0", "--set", "control.listen=off"],
          ],
          broker,
        );
        await sleep(6_000); // until it sends
        const again = learn(`${name}-again.yml`, [
          ...["--from", "events", "--broker", broker, "--for", `${REPLAY_SECONDS - 13}s`],
        ]);
        const { code, stderr } = await replay;
        assert.equal(code, 0, stderr);
        const source = heard[index]!;
        const relearned = await again;
        console.log(`${name}, from its replay:\n${relearned.stderr}`);
        assertNear(relearned.ratePerSecond, source.ratePerSecond, `${name}: rate of the replay`);
        assertMix(tasksOf(name, false), relearned, "replay");
        const kind = (arrival: string) => arrival.replace(/\d+/, "");
        assert.equal(kind(relearned.arrival), kind(source.arrival), relearned.text);
        const p50 = Number(relearned.runTimes["tests.sleep"]?.p50?.replace("ms", ""));
        assert.ok(p50 >= 40 && p50 <= 100, relearned.text);
      }),
    );
  });
});

async function startStandIn(python: string, name: Mixture): Promise<ServerProcess> {
  return await startCeleryWorker({
    python,
    directory: folder,
    application: "standin",
    pool: "threads",
    concurrency: 8,
    logFile: await scratchFile("standin.log"),
    args: ["--hostname", `standin-${name}@%h`],
    env: { ...process.env, STAGING_BROKER_URL: replayOf(name) },
  });
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How often the exporter of the week was scraped. */
const SCRAPE_MS = 60_000;

/** Tasks a second: by day more than by night, and on one day at noon three times as many. */
function rateAt(unixMs: number, peakDay: number): number {
  const hour = (unixMs % DAY_MS) / HOUR_MS;
  const usual = 20 - 15 * Math.cos((hour / 24) * 2 * Math.PI);
  return Math.floor(unixMs / DAY_MS) === peakDay && hour >= 11 && hour < 13 ? 3 * usual : usual;
}

/** Eight days of a celery-exporter, which was restarted in between, and for two hours of which nothing was scraped. */
function pastWeek(nowUnixMs: number, peakDay: number): string {
  const tasks = [
    { labels: 'name="shop.pay",queue_name="urgent"', share: 0.25, value: 5_000 },
    { labels: 'name="shop.resize",queue_name="images"', share: 0.75, value: 9_000 },
  ];
  const page = 'job="celery",instance="exporter:9808"';
  const sent = tasks.map((): string[] => []);
  const up: string[] = [];
  const restartMs = nowUnixMs - 3.2 * DAY_MS;
  for (let unixMs = nowUnixMs - 8 * DAY_MS; unixMs < nowUnixMs; unixMs += SCRAPE_MS) {
    const isGap = Math.abs(unixMs - (nowUnixMs - 4.5 * DAY_MS)) < HOUR_MS;
    const isRestart = Math.abs(unixMs - restartMs) < SCRAPE_MS / 2;
    for (const [index, task] of tasks.entries()) {
      if (isRestart) task.value = 0;
      task.value += (rateAt(unixMs - SCRAPE_MS / 2, peakDay) * task.share * SCRAPE_MS) / 1000;
      const sample = `celery_task_sent_total{${page},${task.labels}} ${Math.round(task.value)}`;
      if (!isGap) sent[index]!.push(`${sample} ${unixMs / 1000}`);
    }
    if (!isGap) up.push(`up{${page}} 1 ${unixMs / 1000}`);
  }
  return [
    ...["# TYPE celery_task_sent counter", ...sent.flat(), "# TYPE up gauge", ...up, "# EOF", ""],
  ].join("\n");
}

test("a week with a peak is learned from Prometheus by weekday and hour, and its typical and its peak day", async (context) => {
  const nowUnixMs = Date.now() - (Date.now() % 1000);
  const peakDay = Math.floor(nowUnixMs / DAY_MS) - 2;
  const prometheus = await startPrometheus([], [], "1s", pastWeek(nowUnixMs, peakDay));
  context.after(() => prometheus[Symbol.asyncDispose]());
  const ask = ["--from", "prometheus", prometheus.url, "--zone", "UTC"];

  const fromMs = nowUnixMs - 6 * DAY_MS;
  const dayBefore = (peakDay - 1) * DAY_MS;
  const cases = [
    { args: ["--range", "7d"], factor: 1, fromMs, hours: 6 * 24, peak: peakDay },
    {
      args: ["--range", "7d", "--scale", "1.5"],
      factor: 1.5,
      fromMs,
      hours: 6 * 24,
      peak: peakDay,
    },
    {
      args: ["--range", "7d", "--day", "typical"],
      factor: 1,
      fromMs: dayBefore,
      hours: 24,
      peak: -1,
    },
    // The peak day is every day, so also the one before.
    {
      args: ["--range", "7d", "--day", "peak"],
      factor: 1,
      fromMs: dayBefore,
      hours: 24,
      peak: peakDay - 1,
    },
  ];
  for (const [number, { args, factor, fromMs: beginMs, hours, peak }] of cases.entries()) {
    const learned = await learn(`week-${number}.yml`, [...ask, ...args]);
    console.log(`${args.join(" ")}:\n${learned.stderr}`);
    assert.deepEqual(learned.queues, { "shop.pay": "urgent", "shop.resize": "images" });
    assert.ok(Math.abs(learned.shares["shop.pay"]! - 0.25) <= TOLERANCE);
    assert.match(learned.stderr, /rate, by (1 h|15 min|10 min|5 min) +\d\.\d %/);
    const { config } = loadConfig({
      files: [join(folder, learned.file)],
      env: { STAGING_BROKER_URL: "redis://localhost" },
    });
    const { profile } = config.scenarios.production!;
    assert.ok(hasRate(profile) && profile.kind === "week");
    const curve = createProfile(profile).since(beginMs);
    let [all, apart] = [0, 0];
    for (let hour = 0; hour < hours; hour++) {
      const planned = curve.startsBy((hour + 1) * HOUR_MS) - curve.startsBy(hour * HOUR_MS);
      let real = 0;
      for (let ms = 0; ms < HOUR_MS; ms += SCRAPE_MS) {
        real += (rateAt(beginMs + hour * HOUR_MS + ms, peak) * factor * SCRAPE_MS) / 1000;
      }
      all += real;
      apart += Math.abs(planned - real);
    }
    console.log(
      `${args.join(" ")}: ${((100 * apart) / all).toFixed(1)} % from the source, by hour`,
    );
    assert.ok(apart / all <= TOLERANCE, learned.text);
    const drawn = await run(["plan", learned.file, "--on", "2027-03-28"]);
    assert.equal(drawn.code, 0, drawn.stderr);
  }
});

test("even, Poisson and burst traffic is told apart by counters, where they are read often enough", async (context) => {
  const nowUnixMs = Date.now() - (Date.now() % 1000);
  const arrivals = { even: "even", poisson: "poisson", bursts: { burstOf: 600 } } as const;
  const lines = Object.entries(arrivals).flatMap(([job, arrival]) =>
    pastCounter(nowUnixMs, job, arrival),
  );
  const past = ["# TYPE celery_task_sent counter", ...lines, "# EOF", ""].join("\n");
  const prometheus = await startPrometheus([], [], "1s", past);
  context.after(() => prometheus[Symbol.asyncDispose]());
  for (const [job, arrival] of Object.entries(arrivals)) {
    const learned = await learn(`arrival-${job}.yml`, [
      ...["--from", "prometheus", prometheus.url, "--range", "20m", "--match", `job="${job}"`],
    ]);
    console.log(`${job}, from counters:\n${learned.stderr}`);
    assertNear(learned.ratePerSecond, 20, `${job}: rate`);
    if (typeof arrival === "string") assert.equal(learned.arrival, arrival, learned.text);
    else {
      const size = Number(/^burst of (\d+)$/.exec(learned.arrival)?.[1]);
      assert.ok(Math.abs(size / arrival.burstOf - 1) < 0.1, learned.text);
    }
  }
});

/** Twenty tasks a second for half an hour, read every 5 s. */
function pastCounter(nowUnixMs: number, job: string, arrival: Arrival): string[] {
  const lengthMs = 1_800_000;
  const profile = createProfile({ kind: "constant", ratePerSecond: 20 });
  const starts = createArrivals(profile, arrival, 1, lengthMs);
  const labels = `job="${job}",instance="exporter:9808",name="shop.pay",queue_name="urgent"`;
  let count = 0;
  return Array.from({ length: lengthMs / 5_000 }, (_, scrape) => {
    for (; starts.nextMs <= scrape * 5_000 + 1_234; starts.advance()) count++;
    const unixSeconds = (nowUnixMs - lengthMs) / 1000 + scrape * 5;
    return `celery_task_sent_total{${labels}} ${count} ${unixSeconds}`;
  });
}
