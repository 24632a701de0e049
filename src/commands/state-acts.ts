/** What `celery-load state` does; apart, as the command line knows it before it knows what that takes. */
export const STATE_ACTS = ["show", "reset"] as const;
export type StateAct = (typeof STATE_ACTS)[number];
