import type { Server } from "node:http";
import type { ControlConfig } from "../config/schema.js";
import { createApp, type HttpSource, metricsUrl, serverUrl } from "../http/app.js";
import { createControlApp } from "../http/control/app.js";
import { listenForControl } from "../http/control/listen.js";
import type { ControlTarget } from "../http/control/order-routes.js";
import { onlyHosts } from "../http/hosts.js";
import { listenWhenFree } from "../http/wait-for-port.js";
import type { Logger } from "../log.js";

export interface ServersOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** As `server.hosts`. */
  readonly hosts: readonly string[] | null;
  /** How long a port in use is waited for: a daemon before us may linger there. */
  readonly portWaitMs: number;
  /** Where orders are taken. */
  readonly control: ControlConfig;
  readonly log: Logger;
}

/**
 * Serves the pages that only show. Null when a signal came while the port was waited for.
 * @throws {UserError} when it cannot listen there
 */
export async function servePages(
  source: HttpSource,
  { listen: address, hosts, portWaitMs, log }: ServersOptions,
  signal: AbortSignal,
): Promise<Server | null> {
  const server = await listenWhenFree(createApp(source, onlyHosts(address, hosts)), address, {
    waitMs: portWaitMs,
    signal,
    onWait: () =>
      log.info(
        { ...address, seconds: Math.round(portWaitMs / 1000) },
        "the port is in use: waiting for it, as a daemon that ends may linger there; nothing is published before",
      ),
  });
  if (server !== null) log.info({ metrics: metricsUrl(server) }, "celery-load starts");
  return server;
}

/**
 * Takes orders. Null when none are taken.
 * @throws {UserError} when it cannot listen where it was told to
 */
export async function serveOrders(
  source: HttpSource,
  target: ControlTarget,
  { control, hosts, log }: ServersOptions,
): Promise<Server | null> {
  if (control.listen === null) return null;
  const app = createControlApp(source, target, {
    served: onlyHosts(control.listen, hosts),
    token: control.token,
  });
  const server = await listenForControl(app, control, ({ host, port }) =>
    log.info(
      { host, port },
      "the default address for orders is in use: this run takes none. Choose another one with --control or control.listen, or off",
    ),
  );
  if (server !== null) {
    // At its usual place it is no news.
    const level = control.isListenChosen ? "info" : "debug";
    log[level]({ control: serverUrl(server) }, "orders are taken");
  }
  return server;
}
