import { isAllowed, type ServerName } from "../../celery/urls/allowed-hosts.js";
import { parseManagementUrl } from "../../celery/urls/management-url.js";
import { isTlsUrl } from "../../celery/urls/resolved-url.js";
import { brokerTraits, hostsOf, schemeOf } from "../../celery/urls/server-url.js";
import { type ConfigIssue, issue, listNames } from "../faults/config-issue.js";
import { quote } from "../faults/quote.js";
import type { ConnectionPart } from "./connection-fields.js";

/** Checks the URLs of a connection against the keys beside them. Pure. */
export function checkUrls(name: string, connection: ConnectionPart): ConfigIssue[] {
  return [
    ...checkHosts(name, connection),
    ...checkManagement(name, connection),
    ...checkTls(name, connection),
    ...checkSentinel(name, connection),
  ];
}

function checkHosts(name: string, connection: ConnectionPart): ConfigIssue[] {
  const { hosts } = connection.allow;
  if (hosts === null) return [];
  const { broker, backend = "rpc://", management } = connection;
  const reached = {
    broker: hostsOf(broker),
    backend: hostsOf(backend),
    management: management === undefined ? [] : [parseManagementUrl(management)],
  };
  return Object.entries(reached).flatMap(([role, servers]: [string, ServerName[]]) => {
    const stranger = servers.find((server) => !isAllowed(server, hosts));
    if (stranger === undefined) return [];
    const found = stranger.path === undefined ? `host ${quote(stranger.host)}` : "a socket";
    return [
      issue(
        ["connections", name, role],
        `must have a host of allow.hosts (${listNames(hosts)}); found ${found}`,
        { remedy: "Add the host to allow.hosts, or change the URL.", hidesValue: true },
      ),
    ];
  });
}

function checkManagement(name: string, { broker, management }: ConnectionPart): ConfigIssue[] {
  if (management === undefined || brokerTraits(broker)?.hasManagement) return [];
  return [
    issue(["connections", name, "management"], "must go with a broker that is RabbitMQ", {
      remedy: "Remove it.",
      hidesValue: true,
    }),
  ];
}

function checkTls(name: string, { tls, broker, backend }: ConnectionPart): ConfigIssue[] {
  if (tls === undefined) return [];
  const path = ["connections", name, "tls"];
  if (!urlsOf(broker, backend).some(isTlsUrl)) {
    const message = "must go with a URL that uses TLS, as nothing would be encrypted";
    return [
      issue(path, message, {
        remedy: "Write rediss:// or amqps:// in broker or backend, or remove tls.",
        hidesValue: true,
      }),
    ];
  }
  if (tls.keyFile === undefined || tls.certFile !== undefined) return [];
  const remedy = "Write certFile: the certificate of the key.";
  return [issue([...path, "certFile"], "it is missing, and there is a keyFile", { remedy })];
}

function checkSentinel(name: string, connection: ConnectionPart): ConfigIssue[] {
  const { broker, backend, options, backendOptions } = connection;
  const isSentinel = (url: string | undefined) =>
    url !== undefined && schemeOf(url) === "sentinel" && !/[?&]master_name=[^&]/.test(url);
  if (options.master_name !== undefined) return [];
  const [section] = [
    ...(isSentinel(broker) ? ["options"] : []),
    ...(isSentinel(backend) && backendOptions.master_name === undefined ? ["backendOptions"] : []),
  ];
  if (section === undefined) return [];
  return [
    issue(
      ["connections", name, section, "master_name"],
      "it is missing, and sentinel:// needs it",
      {
        remedy: `Write ${section}: {master_name: mymaster}, with the name that the Sentinels know.`,
      },
    ),
  ];
}

function urlsOf(broker: string, backend: string | undefined): string[] {
  return backend === undefined ? [broker] : [broker, backend];
}
