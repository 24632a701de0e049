import assert from "node:assert/strict";

/** Of `--json`'s report, what these tests read. */
export interface Total {
  readonly planned: number;
  readonly published: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Of a machine that other tests keep busy a start may be too late, and then is not sent: no more than this share. */
const MAY_BE_LATE = 0.25;

/**
 * Every start was sent and succeeded, but for those that a busy machine was too late for.
 * @returns how many were sent
 */
export function assertAllSucceeded(total: Total, planned: number, hint = ""): number {
  const { saturated = 0, ...otherwise } = total.dropped;
  assert.equal(total.planned, planned, hint);
  assert.ok(saturated <= planned * MAY_BE_LATE, `${saturated} of ${planned} were late. ${hint}`);
  assert.deepEqual(
    Object.entries(otherwise).filter(([, count]) => count > 0),
    [],
    hint,
  );
  assert.deepEqual(
    [total.published, total.outcomes.succeeded],
    [planned - saturated, planned - saturated],
    hint,
  );
  return total.published;
}
