import { splitUrl, urlError, urlsOf } from "./url-parts.js";

/**
 * The URL with a password in it, percent-encoded; of a list in each of its URLs.
 * @throws {UserError} whose message starts with "must …" and holds no part of URL or password
 */
export function withPassword(url: string, password: string): string {
  return urlsOf(url)
    .map((each) => withOne(each, encodeURIComponent(password)))
    .join(";");
}

function withOne(url: string, encoded: string): string {
  const start = url.indexOf("://") + 3;
  if (start < 3 || /^rpc:/i.test(url)) {
    throw urlError("must be the URL of a server, as there is a password for it", "Remove one.");
  }
  const { userInfo } = splitUrl(url);
  const [user = "", present = ""] = userInfo.split(/:(.*)/s);
  if (present !== "") {
    throw urlError("must hold no password, as there is a file with one", "Remove one of them.");
  }
  const rest =
    userInfo === "" ? url.slice(start).replace(/^@/, "") : url.slice(start + userInfo.length + 1);
  return `${url.slice(0, start)}${user}:${encoded}@${rest}`;
}
