// What the page asks about logins: one's own, one's devices, and those of others.

import { ask, listOf, Refusal, send } from "./api";
import { each, isNumber, isObject, isText } from "./json";
import { readHours, readMe, readPatterns, readRole, type Hours, type Me, type Role } from "./me";

/** How long who is there may stay unknown, in ms: until then the page shows nothing. */
const ANSWERED = 5_000;

export async function askMe(init: RequestInit = {}): Promise<Me> {
  const signal = AbortSignal.timeout(ANSWERED);
  return understood(await ask("api/me", { cache: "no-store", signal, ...init }));
}

/** What somebody without a login may do, asked as if there were none here. */
export async function askVisitor(): Promise<Me> {
  return askMe({ credentials: "omit" });
}

export async function logIn(name: string, password: string): Promise<Me> {
  return understood(await send("POST", "api/login", { name, password }));
}

export async function logOut(): Promise<void> {
  await send("POST", "api/logout");
}

/** Makes the first administrator, with the one-time address's token or from the machine itself. */
export async function setUp(token: string | null, name: string, password: string): Promise<Me> {
  const proof = token === null ? {} : { token };
  return understood(await send("POST", "api/setup", { ...proof, name, password }));
}

export async function setPassword(old: string, now: string): Promise<void> {
  await send("PUT", "api/me/password", { old, new: now });
}

/** Where one is logged in. Times by the gallery's clock. */
export interface Device {
  id: string;
  /** Such as "Firefox on Linux". */
  name: string;
  since: number;
  seen: number;
  address: string;
  /** It is this one. */
  current: boolean;
}

export async function listDevices(): Promise<Device[]> {
  return each(listOf(await (await ask("api/me/devices")).json()), (raw) => {
    if (!isObject(raw) || !isText(raw.id) || !isNumber(raw.since) || !isNumber(raw.seen)) {
      return null;
    }
    const { id, since, seen } = raw;
    const name = isText(raw.name) ? raw.name : "";
    const address = isText(raw.address) ? raw.address : "";
    return { id, name, since, seen, address, current: raw.current === true };
  });
}

export async function endDevice(id: string): Promise<void> {
  await send("DELETE", `api/me/devices/${encodeURIComponent(id)}`);
}

export async function endOtherDevices(): Promise<void> {
  await send("DELETE", "api/me/devices");
}

/** A person with a login. */
export interface User {
  name: string;
  role: Role;
  /** Patterns; null for every camera. */
  cameras: string[] | null;
  hours: Hours | null;
  /** On how many devices. */
  devices: number;
  /** By the gallery's clock; null if never. */
  seen: number | null;
}

/** The people; nodes and galleries have a login, too, but nobody comes in with it. */
export async function listUsers(): Promise<User[]> {
  return each(listOf(await (await ask("api/users")).json()), readUser);
}

export function readUser(raw: unknown): User | null {
  const role = isObject(raw) ? readRole(raw.role) : null;
  if (!isObject(raw) || !role || !isText(raw.name)) return null;
  return {
    name: raw.name,
    role,
    cameras: readPatterns(raw.cameras),
    hours: readHours(raw.hours),
    devices: isNumber(raw.devices) ? raw.devices : 0,
    seen: isNumber(raw.seen) ? raw.seen : null,
  };
}

export type Change = Partial<Pick<User, "role" | "cameras" | "hours">> & { password?: string };

export async function addUser(user: Change & { name: string; password: string }): Promise<void> {
  await send("POST", "api/users", user);
}

export async function changeUser(name: string, change: Change): Promise<void> {
  await send("PATCH", `api/users/${encodeURIComponent(name)}`, change);
}

export async function removeUser(name: string): Promise<void> {
  await send("DELETE", `api/users/${encodeURIComponent(name)}`);
}

/** Brings back who was removed a moment ago, with the password that they had. */
export async function restoreUser(name: string): Promise<void> {
  await send("POST", `api/users/${encodeURIComponent(name)}/restore`);
}

async function understood(response: Response): Promise<Me> {
  const me = readMe(await response.json().catch(() => null));
  if (!me) throw new Refusal(0, "");
  return me;
}
