import type { TemplateName } from "../celery/argument-template.js";

/** How each function of the templates is written, and what it gives. The type keeps the list complete. */
export const TEMPLATE_FUNCTIONS: Readonly<
  Record<TemplateName, { readonly use: string; readonly gives: string }>
> = {
  uuid: { use: "{{ uuid }}", gives: "a random UUID, as text" },
  seq: {
    use: "{{ seq }}",
    gives:
      "a number from 0 on that goes up with every message that has templates, of all tasks together",
  },
  planned: {
    use: "{{ planned }}",
    gives: "Unix time in seconds at which the task was planned to start, a number",
  },
  now: { use: "{{ now }}", gives: "Unix time in seconds at which the message is built, a number" },
  int: { use: "{{ int(1, 6) }}", gives: "a random whole number, both bounds included" },
  float: { use: "{{ float(0, 1) }}", gives: "a random number from the first up to the second" },
  choice: { use: '{{ choice("a", "b", 3) }}', gives: "one of the values, each equally likely" },
  bytes: {
    use: "{{ bytes(1024) }}",
    gives: "so many random bytes as base64 text, a third longer; 786432 at most",
  },
  file: {
    use: '{{ file("ids.txt") }}',
    gives:
      "the lines of a file in turn, from the start again after the last one; empty lines are left out. The file lies in the folder of the (first) configuration file or below it, links followed, has at most 16 MiB, and is read once at the start",
  },
};
