import type { ComponentChildren } from "preact";
import type { LiveStatus } from "../../reports/live-status.js";
import { countText, percentText, rateText, secondsText } from "../model/format.js";
import { targetOf } from "../model/headline.js";
import { Bar } from "./parts.js";

/** The few numbers that are read from three metres. */
export function Now({ live }: { live: LiveStatus }) {
  const { recent, status } = live;
  const target = targetOf(live);
  const { planned, published, outcomes } = status.total;
  const inFlight = Object.values(status.tasks).reduce(
    (sum, task) => sum + task.inFlight + task.publishing,
    0,
  );
  const errorShare = recent.errors === null || !recent.ended ? null : recent.errors / recent.ended;
  const ratio = target === null || recent.published === null ? null : recent.published / target;
  const isShort = ratio !== null && ratio < 0.98;
  return (
    <section class="now" aria-label="Now, over the last ten seconds">
      <Figure
        name="rate"
        label="Achieved"
        unit={target === null ? "no target" : `of ${rateText(target)}`}
      >
        {rateText(recent.published)}
        <Bar ratio={ratio ?? 1} tone={isShort ? "doubtful" : "good"} />
      </Figure>
      <Figure name="p50" label="p50" unit="half are faster">
        {secondsText(recent.p50)}
      </Figure>
      <Figure name="p95" label="p95" unit="19 of 20 are faster">
        {secondsText(recent.p95)}
      </Figure>
      <Figure name="p99" label="p99" unit="99 of 100 are faster">
        {secondsText(recent.p99)}
      </Figure>
      <Figure
        name={recent.errors === null || recent.errors === 0 ? "errors" : "errors is-bad"}
        label="Errors"
        unit={`${percentText(errorShare)} of what ends`}
      >
        {rateText(recent.errors)}
      </Figure>
      <Figure name="flight" label="In flight" unit={`of ${countText(published)} published`}>
        {countText(inFlight)}
      </Figure>
      <dl class="totals">
        <Total name="planned" count={planned} />
        <Total name="published" count={published} />
        {Object.entries(outcomes).map(([name, count]) =>
          count > 0 || name === "succeeded" ? (
            <Total key={name} name={name.replace("_", " ")} count={count} />
          ) : null,
        )}
        {Object.entries({ ...status.total.dropped, ...status.total.publishFailures }).map(
          ([name, count]) =>
            count > 0 ? (
              <Total key={name} name={`not sent: ${name.replaceAll("_", " ")}`} count={count} />
            ) : null,
        )}
      </dl>
    </section>
  );
}

function Figure({
  name,
  label,
  unit,
  children,
}: {
  name: string;
  label: string;
  unit: string;
  children: ComponentChildren;
}) {
  return (
    <div class={`figure ${name}`}>
      <div class="label">{label}</div>
      <div class="value">{children}</div>
      <div class="unit">{unit}</div>
    </div>
  );
}

function Total({ name, count }: { name: string; count: number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-total={name}>{countText(count)}</dd>
    </div>
  );
}
