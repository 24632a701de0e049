import assert from "node:assert/strict";
import { test } from "node:test";
import { sideEffectOf } from "../../../src/init/side-effects.js";

const cases: [string, string | null][] = [
  ["shop.tasks.send_confirmation", "send"],
  ["shop.tasks.sendConfirmation", "send"],
  ["shop.tasks.SendConfirmation", "send"],
  ["shop.tasks.send-confirmation", "send"],
  ["shop.tasks.confirmation_sender", "sender"],
  ["shop/tasks:resendOrder", "resend"],
  ["shop.tasks.sendmail", "sendmail"],
  ["shop.mail.render", "mail"],
  ["shop.tasks.emails", "emails"],
  ["shop.tasks.EMAILCustomer", "email"],
  ["shop.tasks.charge_card", "charge"],
  ["shop.tasks.charging", "charging"],
  ["shop.tasks.pay", "pay"],
  ["payments.tasks.nightly", "payments"],
  ["shop.tasks.refund2", "refund"],
  ["shop.tasks.HTTPPost", "post"],
  ["shop.tasks.call_webhook", "webhook"],
  ["shop.tasks.notify_customer", "notify"],
  ["shop.tasks.notifications", "notifications"],
  ["shop.tasks.send_sms", "send"],
  ["shop.tasks.bulk_sms", "sms"],
  ["shop.tasks.delete_old_carts", "delete"],
  ["shop.tasks.remove", "remove"],
  ["shop.tasks.publishFeed", "publish"],
  ["shop.mail.resend", "resend"],
  ["webhooks.tasks.nightly", "webhooks"],
  // what a module is about is no act
  ["orders.tasks.count", null],
  ["posts.tasks.index", null],
  // words that only begin like one
  ["shop.tasks.payload_size", null],
  ["shop.tasks.display", null],
  ["shop.tasks.mailbox_size", null],
  ["shop.tasks.chargeable", null],
  ["shop.tasks.postpone", null],
  ["shop.tasks.paint", null],
  ["shop.tasks.deletable_count", null],
  ["shop.tasks.add", null],
  ["shop.tasks.resize_image", null],
  ["shop.tasks.größe", null],
];

for (const [name, word] of cases) {
  test(`${name}: ${word ?? "no side effect by its name"}`, () =>
    assert.equal(sideEffectOf(name), word));
}
