import { Redis } from "ioredis";

/**
 * A worker that no generator should outrun: takes messages in batches and answers at once, as Celery's
 * Redis backend does (SETEX and PUBLISH of the same text). Counts its answers in `bench:answered`.
 *
 *     node fake-worker.js PORT
 */
const port = Number(process.argv[2]);
const input = new Redis(port, "127.0.0.1");
const output = new Redis(port, "127.0.0.1", { enableAutoPipelining: true });
let answered = 0;
for (;;) {
  const batch = (await input.rpop("celery", 500)) ?? [(await input.brpop("celery", 0))![1]];
  const date = new Date().toISOString().replace("Z", "000+00:00");
  for (const message of batch) {
    const id = /"id": ?"([^"]+)"/.exec(message)![1]!;
    const key = `celery-task-meta-${id}`;
    const meta = `{"status": "SUCCESS", "result": 3, "traceback": null, "children": [], "date_done": "${date}", "task_id": "${id}"}`;
    void output.setex(key, 600, meta);
    void output.publish(key, meta);
  }
  answered += batch.length;
  void output.set("bench:answered", answered);
}
