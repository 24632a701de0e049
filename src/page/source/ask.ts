/** Where the browser keeps the token of `control.tokenFile`, for as long as this tab is open. */
const KEY = "celery-load token";

let token = remembered();
let wake: () => void = () => {};

/** Asks the daemon that serves this page, with the token when there is one. */
export function ask(path: string, request: RequestInit = {}): Promise<Response> {
  const headers = new Headers(request.headers);
  if (token !== null) headers.set("Authorization", `Bearer ${token}`);
  return fetch(path, { ...request, headers, cache: "no-store" });
}

/** One was given before: when the daemon wants one all the same, it was not that. */
export function hasToken(): boolean {
  return token !== null;
}

/** Tries another token. */
export function giveToken(text: string): void {
  token = text;
  try {
    sessionStorage.setItem(KEY, text);
  } catch {
    // A browser that keeps nothing for this page: it is asked for again next time.
  }
  wake();
}

/** Resolves when another token is given. */
export function untilToken(): Promise<void> {
  return new Promise((resolve) => {
    wake = resolve;
  });
}

function remembered(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
