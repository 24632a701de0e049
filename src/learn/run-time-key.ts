/** The user's own key (x- keys are not the daemon's) by which `stand-in` finds what `learn` wrote. */
export const RUN_TIME_KEY = "x-runTime";
