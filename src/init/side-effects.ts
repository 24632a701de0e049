/** Words of what modules are about, too: all that is in `shop.mail` may be mail. */
const TOPICS = [
  "(?:send|e)?mail(?:s|er|ers|ing)?|smtp|newsletters?|sms|mms|whatsapp|telegram|slack|twilio",
  "notif(?:y|ies|ied|ying|ier|ication|ications)|alerts?|webhooks?",
  "pay(?:ment|ments|out|outs)|refund(?:s|ing)?|chargebacks?|invoic(?:e|es|ing)|billing|payroll",
];

/** Words in which the end of a task's name says that it acts on people, money, data or other systems. */
const ACTS = [
  ...TOPICS,
  "(?:re)?send(?:s|er|ing)?|sent",
  "push(?:es|ed|ing)?|remind(?:s|er|ers)?",
  "publish(?:es|er|ing)?|posts?|posting|tweets?|broadcasts?|callbacks?|dispatch(?:es|er)?",
  "charg(?:e|es|er|ing)|pay(?:s|ing)?|bill|captures?|settle(?:s|ment)?",
  "transfer(?:s|ring)?|withdraw(?:s|al|als)?|deposits?|purchas(?:e|es|ing)|buy|orders?|ship(?:s|ping|ment)?",
  "delet(?:e|es|er|ing|ion)|remov(?:e|es|er|ing|al)|destroy(?:s|er)?|drop(?:s|ping)?|purg(?:e|es|ing)",
  "eras(?:e|es|ing)|wip(?:e|es|ing)|truncat(?:e|es|ing)|clean(?:s|er|up|ing)?|prun(?:e|es|ing)|expir(?:e|es|ing)",
  "cancel(?:s|led|ling|lation)?|revok(?:e|es|ing)|terminat(?:e|es|ing)|deactivat(?:e|es)|disabl(?:e|es)|ban|block",
  "(?:un)?subscrib(?:e|es|ing)|deploy(?:s|ing|ment)?|provision(?:s|ing)?|restart|reboot|shutdown|migrat(?:e|es|ing|ion)",
];
const isAct = wholeWord(ACTS);
const isTopic = wholeWord(TOPICS);

function wholeWord(forms: readonly string[]): (word: string) => boolean {
  const pattern = new RegExp(`^(?:${forms.join("|")})$`);
  return (word) => pattern.test(word);
}

/**
 * The word in a task's name that says that it may act on the world: `send` in `shop.tasks.send_mail`,
 * `shop.SendMail` and `shop.send-mail`; null when there is none. Names alone say it, and they can be wrong
 * either way.
 */
export function sideEffectOf(task: string): string | null {
  const end = task.split(/[.:/]/).at(-1) ?? "";
  return wordsOf(end).find(isAct) ?? wordsOf(task).find(isTopic) ?? null;
}

/** Words in lower case, in whatever style they are joined: `a.b_c`, `aB`, `HTTPPost`, `a-b`, `b2`. */
function wordsOf(name: string): string[] {
  return name
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, "$1 $2")
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2")
    .split(/[^\p{L}]+/u)
    .map((word) => word.toLowerCase());
}
