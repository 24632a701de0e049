/** What `celery-load learn` learns from. */
export const LEARN_SOURCES = ["prometheus", "events"] as const;
export type LearnSource = (typeof LEARN_SOURCES)[number];

/** Which day `--day` means. */
export const DAY_CHOICES = ["typical", "peak"] as const;
