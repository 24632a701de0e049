import type { ControlState } from "../../../src/control/control-state.js";
import {
  burst,
  follow,
  guardPause,
  mix,
  pause,
  rate,
  resume,
  STEPS,
  scale,
  stopAll,
  throttle,
  World,
} from "../control/world.js";

/** One of everything that a state can hold, and the moment it is looked at. */
export function fullState(): { state: ControlState; nowMs: number } {
  const world = new World();
  world.pass(3_000);
  world.order(burst(100, 60_000));
  world.order(rate(50, 60_000, 600_000), { actor: "ctl", reason: 'grün "quoted" \u2028 \\' });
  world.order(scale(2));
  world.order(follow(STEPS, 5_000));
  world.order(mix({ resize: 1, thumb: 2 }));
  world.order(guardPause("deep-queue"), { actor: "guard", reason: "too deep" });
  world.order(throttle("share", 0.343), { actor: "guard", reason: "our share 60 %" });
  world.order(pause(10_000));
  world.order(resume());
  world.order(stopAll());
  world.pass(1_000);
  return world;
}
