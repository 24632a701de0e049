/** A mirror of Debian that this machine's apt reads from. */
export interface AptSource {
  readonly mirror: string;
  /** The file with the keys that sign it; null where the sources do not say: then Debian's own. */
  readonly keyring: string | null;
}

/**
 * The mirror of a release of Debian in what `apt-get indextargets` prints as "URI release origin", and its
 * keys in apt's sources, of either format.
 * @returns null when there is none that is read by http
 */
export function debianMirror(targets: string, sources: readonly string[]): AptSource | null {
  for (const line of targets.split("\n")) {
    const [uri = "", release = "", origin = ""] = line.trim().split(/\s+/);
    // Security and updates are archives of their own, which have no complete release.
    if (origin !== "Debian" || !/^\w+$/.test(release) || !/^https?:/.test(uri)) continue;
    const mirror = uri.replace(/\/+$/, "");
    return { mirror, keyring: keyringOf(mirror, sources) };
  }
  return null;
}

/** In sources.list(5)'s stanzas `Signed-By: PATH`, in its lines `[signed-by=PATH]`. */
function keyringOf(mirror: string, sources: readonly string[]): string | null {
  const entries = sources.flatMap((text) =>
    /^URIs:/im.test(text) ? text.split(/\n\s*\n/) : text.split("\n"),
  );
  for (const entry of entries) {
    const words = entry.replaceAll(/^#.*$/gm, "").split(/\s+/);
    if (!words.some((word) => word.replace(/\/+$/, "") === mirror)) continue;
    const found = /signed-by[:=]\s*(\/[^\s\],]+)/i.exec(entry)?.[1];
    if (found !== undefined) return found;
  }
  return null;
}
