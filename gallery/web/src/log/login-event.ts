// What the log says of logins: who came and who was refused, and who may come from now on.

import { isNumber, isText } from "../net/json";
import { readRole, type Role } from "../net/me";
import { sentence, type Words } from "../words/words";

const CHANGES = ["made", "changed", "password", "removed"] as const;

export type LoginEvent =
  | { event: "login"; name: string; address: string; device: string }
  /** `by` is empty for oneself. */
  | { event: "logout"; name: string; count: number; by: string }
  /** The address is empty if they came from many. */
  | { event: "denied"; address: string; count: number }
  /** `by` is empty if it was done on the machine itself. */
  | {
      event: "user";
      name: string;
      role: Role | null;
      change: (typeof CHANGES)[number];
      by: string;
    };

/** Null for what is something else. */
export function readLoginEvent(raw: Record<string, unknown>): LoginEvent | null {
  const { event } = raw;
  const [name, address, by] = [raw.name, raw.address, raw.by].map((text) =>
    isText(text) ? text : "",
  ) as [string, string, string];
  const count = isNumber(raw.count) ? raw.count : 1;
  if (event === "denied") return { event, address, count };
  if (!name) return null;
  if (event === "login")
    return { event, name, address, device: isText(raw.device) ? raw.device : "" };
  if (event === "logout") return { event, name, count, by };
  const change = CHANGES.find((change) => change === raw.change);
  if (event === "user" && change) return { event, name, role: readRole(raw.role), change, by };
  return null;
}

export function loginText(event: LoginEvent, { log, logins }: Words): string {
  switch (event.event) {
    case "login":
      return log.loggedIn(event.name);
    case "logout":
      return event.by ? log.loggedOutBy(event.name, event.by) : log.loggedOut(event.name);
    case "denied":
      return log.denied(event.count);
    case "user":
      if (event.change === "made") return log.made(event.name);
      if (event.change === "removed") return logins.removed(event.name);
      return event.change === "password" ? log.newPassword(event.name) : logins.changed(event.name);
  }
}

/** What stands below it: from where, or as what and by whom. */
export function loginFacts(event: LoginEvent, { log, logins }: Words): string {
  const told: string[] = [];
  switch (event.event) {
    case "login":
      if (event.device) told.push(event.device);
      if (event.address) told.push(log.from(event.address));
      break;
    case "logout":
      if (event.count > 1) told.push(logins.devices(event.count));
      break;
    case "denied":
      told.push(event.address ? log.from(event.address) : log.fromMany);
      break;
    case "user":
      if (event.role) told.push(logins.roles[event.role]);
      told.push(event.by ? log.by(event.by) : log.byMachine);
  }
  return sentence(told.join(", "));
}
