import type { TemplateName } from "../celery/messages/argument-template.js";

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
  normal: {
    use: "{{ normal(100, 15) }}",
    gives: "a random number of a normal distribution: its mean and its standard deviation",
  },
  logNormal: {
    use: "{{ logNormal(200, 1.5) }}",
    gives:
      "a random number, half of them below the first, two thirds within a factor of the second above and below it: sizes and durations are like that",
  },
  zipf: {
    use: "{{ zipf(1000, 1.1) }}",
    gives:
      "a whole number from 1 up to the first, low ones most often: number k as often as 1/k^1.1",
  },
  weighted: {
    use: '{{ weighted("a", 9, "b", 1) }}',
    gives: "one of the values, as often as the number behind it says",
  },
  digits: { use: "{{ digits(6) }}", gives: "so many random digits as text, 1000 at most" },
  words: { use: "{{ words(5) }}", gives: "so many random words as text, 10000 at most" },
  datetime: {
    use: '{{ datetime("+1h") }}',
    gives:
      "the time at which the message is built, or so long after or before it (`ms s m h d w`), in UTC: `2030-01-02T03:04:05.250000+00:00`. A second text is a format in the words of Python's strftime: `%Y %m %d %H %M %S %f %z %j %s`",
  },
  date: { use: '{{ date("-30d") }}', gives: "the same as `2030-01-02`" },
  time: { use: '{{ time("+5m", "%H:%M") }}', gives: "the same as `03:04:05`, here as `03:04`" },
  choice: { use: '{{ choice("a", "b", 3) }}', gives: "one of the values, each equally likely" },
  bytes: {
    use: "{{ bytes(1024) }}",
    gives: "so many random bytes as base64 text, a third longer; 786432 at most",
  },
  row: {
    use: "{{ row.user_id }}",
    gives:
      'a column of the row that the start has of the task\'s `data`; `{{ row["a name"] }}` where a name has other characters, `{{ row | json }}` the whole row as a mapping, and `{{ row }}` where a row is one value ([data](data.md))',
  },
  file: {
    use: '{{ file("ids.txt") }}',
    gives:
      "the lines of a file in turn, from the start again after the last one; empty lines are left out. A line that is a number as JSON writes it is one, any other a text. The file lies in the folder of the (first) configuration file or below it, links followed, has at most 16 MiB, and is read once at the start",
  },
};
