import * as z from "zod";
import { type ConfigIssue, issue } from "./faults/config-issue.js";
import { field, ReadError } from "./fields.js";
import { readListen } from "./server/server-fields.js";

/** Where orders are taken. */
export interface ControlConfig {
  /** null: nowhere. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  /** The address is the user's wish: where it cannot be had, a run ends; the default one is done without. */
  readonly isListenChosen: boolean;
  /** What every request must carry (RFC 6750); null: none is asked for. */
  readonly token: string | null;
}

/** Where orders are taken when nothing is said. */
export const DEFAULT_CONTROL = "127.0.0.1:9810";

/** Shorter ones can be guessed. */
const LEAST_TOKEN = 16;

export const controlSchema = z
  .strictObject({
    listen: field(
      {
        description:
          "Address and port of the control API; off: none. Other than loopback needs tokenFile. When 9810 is taken and nothing is written here, the run goes on without.",
        type: "string",
        examples: ["127.0.0.1:9810"],
      },
      // YAML 1.1 writes `off` for false, and so do those who are used to it.
      (value) => (value === "off" || value === false ? null : readListen(value, 9810)),
    ).prefault(DEFAULT_CONTROL),
    tokenFile: field(
      {
        description:
          "File with the token, of at least 16 characters, that every request to the control API must carry.",
        type: "string",
        examples: ["/run/secrets/control_token"],
      },
      readToken,
    ).optional(),
  })
  .meta({ description: "The control API: orders to the running daemon." });

/** `isWritten`: whether the key `control.listen` is there. */
export function resolveControl(
  { listen, tokenFile }: z.output<typeof controlSchema>,
  isWritten: boolean,
): ControlConfig {
  return { listen, isListenChosen: isWritten, token: tokenFile ?? null };
}

/** Orders from other machines need a token. */
export function checkControl(control: z.output<typeof controlSchema> | undefined): ConfigIssue[] {
  if (control === undefined || control.listen === null || control.tokenFile !== undefined) {
    return [];
  }
  if (isLoopbackAddress(control.listen.host)) return [];
  const message = "must be on loopback, as there is no control.tokenFile";
  const remedy = "Write 127.0.0.1:9810, or name the file of a token: tokenFile: token.";
  return [issue(["control", "listen"], message, { remedy })];
}

function isLoopbackAddress(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/i.test(host);
}

/** `put-secrets.ts` has put the content of the file here. What is wrong is said without a part of it. */
function readToken(value: unknown): string {
  if (typeof value !== "string") {
    throw new ReadError("must be the path of a file", { remedy: "Write tokenFile: token." });
  }
  const remedy = "Make one: openssl rand -hex 32 > token.";
  if (value.length < LEAST_TOKEN) {
    const message = `must name a file with a token of at least ${LEAST_TOKEN} characters`;
    throw new ReadError(message, { remedy, hidesValue: true });
  }
  // What a header can carry (RFC 6750, section 2.1); other characters would be refused with every request.
  if (/^[A-Za-z0-9\-._~+/]+=*$/.test(value)) return value;
  const message = "must name a file with a token of letters, digits and - . _ ~ + / only";
  throw new ReadError(message, { remedy, hidesValue: true });
}
