import type { ScenarioAnswer } from "../../http/scenarios.js";
import type { LiveStatus } from "../../reports/live-status.js";
import { durationText, rateText, timeText } from "../model/format.js";
import { type Held, heldBy, toneOfState } from "../model/headline.js";
import { columnOf } from "../model/history.js";
import { type OrderKind, scenarioForm, undoForm } from "../model/orders.js";
import { hasControls, history, zone } from "../source/state.js";
import { askOrder } from "./order-dialog.js";
import { Chip, Section } from "./parts.js";

/** Short, so that it follows the stages. */
const ACHIEVED_SECONDS = 5;

/** What each scenario does, who holds it, and the wheel. */
export function Scenarios({ live }: { live: LiveStatus }) {
  return (
    <Section title="Scenarios" name="scenarios">
      <ul class="scenario-list">
        {live.control.scenarios.map((scenario) => (
          <Scenario key={scenario.name} scenario={scenario} />
        ))}
      </ul>
    </Section>
  );
}

function Scenario({ scenario }: { scenario: ScenarioAnswer }) {
  const { name, state, stage } = scenario;
  const { current } = history.value;
  const achieved = current.mean(
    columnOf(current.series, "scenario", name, "published"),
    ACHIEVED_SECONDS,
  );
  return (
    <li class="scenario">
      <div class="scenario-head">
        <h3>{name}</h3>
        <Chip tone={toneOfState(state)}>{scenario.isStopped ? "stopped" : state}</Chip>
      </div>
      <p class="stage">
        {stage === null ? (
          <span class="muted">no stage is under way</span>
        ) : (
          <>
            <span class="muted">stage {stage.number}: </span>
            {stage.name}
            <span class="muted">
              {stage.remainingSeconds === null
                ? ", without an end"
                : `, ${durationText(stage.remainingSeconds)} left`}
            </span>
          </>
        )}
      </p>
      <p class="rates">
        <strong>{rateText(achieved)}</strong>
        <Wanted scenario={scenario} />
      </p>
      {hasControls && <Controls scenario={scenario} />}
      {heldBy(scenario).map((held) => (
        <HeldLine key={held.id} held={held} scenario={name} />
      ))}
    </li>
  );
}

/** What it is held against; of users the rate is what workers make of it. */
function Wanted({ scenario: { name, targetRate, users } }: { scenario: ScenarioAnswer }) {
  if (users !== null) {
    return (
      <span class="muted" title="A closed loop: users who wait slow down with the workers.">
        {" achieved by "}
        <strong data-target={name}>{users === 1 ? "1 user" : `${users} users`}</strong>
      </span>
    );
  }
  return (
    <>
      <span class="muted"> achieved of </span>
      <strong data-target={name}>{targetRate === null ? "max" : rateText(targetRate)}</strong>
      <span class="muted"> wanted</span>
    </>
  );
}

function HeldLine({
  held: { id, text, until, isGuard },
  scenario,
}: {
  held: Held;
  scenario: string;
}) {
  const end = until === null ? "" : ` until ${timeText(until, zone.value)}`;
  return (
    <p class="held">
      <span>
        {text}
        <span class="muted">{end}</span>
      </span>
      {hasControls && !isGuard && (
        <button
          type="button"
          aria-label={`Undo ${text}`}
          onClick={() => askOrder(undoForm(id, `${scenario}: ${text}`, scenario))}
        >
          Undo…
        </button>
      )}
    </p>
  );
}

type Act = Parameters<typeof scenarioForm>[0];

const WORDS: Readonly<Record<Act, string>> = {
  rate: "Rate…",
  scale: "Scale…",
  users: "Users…",
  mix: "Mix…",
  pause: "Pause…",
  resume: "Resume…",
  burst: "Burst…",
  "skip-stage": "Skip stage…",
  restart: "Restart…",
  start: "Start…",
  stop: "Stop…",
} satisfies Partial<Record<OrderKind, string>>;

function Controls({ scenario }: { scenario: ScenarioAnswer }) {
  const isOver = scenario.isStopped || scenario.state === "stopped";
  const hasUsers = scenario.users !== null;
  const isPaused = scenario.pauses.some(({ guard }) => guard === null);
  const acts: readonly Act[] = isOver
    ? ["start"]
    : [
        ...([hasUsers ? "users" : "rate", "scale"] as const),
        ...(Object.keys(scenario.mix).length > 1 ? (["mix"] as const) : []),
        ...(hasUsers ? [] : (["burst"] as const)),
        ...([isPaused ? "resume" : "pause", "skip-stage", "restart", "stop"] as const),
      ];
  return (
    <fieldset class="acts" aria-label={`Orders to ${scenario.name}`}>
      {acts.map((act) => (
        <button key={act} type="button" onClick={() => askOrder(scenarioForm(act, scenario))}>
          {WORDS[act]}
          <span class="hidden"> {scenario.name}</span>
        </button>
      ))}
    </fieldset>
  );
}
