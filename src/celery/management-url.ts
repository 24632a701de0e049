import { ENCODE_HINT, readUserInfo, splitUrl, urlError } from "./url-parts.js";

/** Where RabbitMQ's management API is, and who asks. */
export interface ManagementAddress {
  /** `http://host:port/prefix`, without the user. */
  readonly base: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/**
 * Reads the URL of RabbitMQ's management API: `http://user:password@host:15672`, https, and a path prefix
 * (`management.path_prefix`), with or without the `/api` that its documentation shows behind it. The user is guest by default, as RabbitMQ's is.
 * @throws {UserError} whose message starts with "must …" and holds no part of the URL
 */
export function parseManagementUrl(url: string): ManagementAddress {
  const example = "Write http://user:password@rabbitmq:15672.";
  const { scheme, userInfo, hostInfo, path, query } = splitUrl(url.trim());
  if ((scheme !== "http" && scheme !== "https") || hostInfo === "") {
    throw urlError("must be a URL that starts with http:// or https://", example);
  }
  if (query !== "") throw urlError("must have no ?", ENCODE_HINT);
  const base = `${scheme}://${hostInfo}${path.replace(/(\/+api)?\/*$/, "")}`;
  if (!URL.canParse(base)) throw urlError("must have a host and a port that exist", example);
  const { hostname, port } = new URL(base);
  const { username = "guest", password = "guest" } = readUserInfo(userInfo);
  return {
    base,
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || (scheme === "https" ? 443 : 80)),
    username,
    password,
  };
}
