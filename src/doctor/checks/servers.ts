import { isFull } from "../../connections/limit.js";
import { type Finding, finding } from "../advice.js";
import type { ConnectionFacts, ServerFacts } from "../facts.js";
import { listText } from "../texts.js";

/** Broker and result backend: can they be used, and do they keep what they are given? */
export function checkServers(facts: ConnectionFacts): Finding[] {
  const { broker, backend } = facts;
  // One server in both roles, as with `rpc://`, has one fault.
  const isSame = ["rpc", "disabled"].includes(backend.kind) || backend.url === broker.url;
  const isBackendTold = broker.fault === null || !isSame;
  return [
    ...checkServer(facts, "broker", broker),
    ...(isBackendTold ? checkServer(facts, "backend", backend) : []),
    ...checkPlaces(facts),
  ];
}

function checkServer(
  { connection }: ConnectionFacts,
  role: "broker" | "backend",
  { url, fault, about }: ServerFacts,
): Finding[] {
  if (fault !== null) {
    const otherwise = isFull(fault.cause) ? "server-full" : "server-unreachable";
    const code = fault.isConfiguration ? "server-refuses" : otherwise;
    return [finding(code, connection, { role, url, cause: fault.cause })];
  }
  const policy = about?.evictionPolicy ?? "noeviction";
  // Queues never expire, so that only the policies of all keys take them; results always do.
  const isHarmless =
    policy === "noeviction" || (role === "broker" && !policy.startsWith("allkeys"));
  if (isHarmless) return [];
  const what = role === "broker" ? "whole queues" : "results";
  return [finding("server-evicts", connection, { role, url, policy, what })];
}

function checkPlaces({ connection, broker, noPlace }: ConnectionFacts): Finding[] {
  if (noPlace === null) return [];
  const { parts, cause } = noPlace;
  return [
    finding("server-nearly-full", connection, { url: broker.url, parts: listText(parts), cause }),
  ];
}
