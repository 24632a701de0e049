import { readConfig } from "../config/schema.js";

/** Whether the names of a task can stand in a configuration. */
export function isUsableTask(task: {
  readonly key: string;
  readonly name: string;
  readonly queue: string;
}): boolean {
  const result = readConfig({
    connections: { main: { broker: "redis://localhost/0" } },
    tasks: { [task.key]: { name: task.name, queue: task.queue } },
    scenarios: { steady: { profile: "1/s" } },
  });
  return "config" in result;
}
