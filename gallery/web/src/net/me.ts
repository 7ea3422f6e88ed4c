// Who the gallery takes this page for, and what that person may do. Without users everybody who is
// let in may do everything.

import { computed, signal } from "@preact/signals";
import { each, isObject, isText } from "./json";

/** As `access/src/rights.rs` has them; a later gallery may know more. */
export type Right =
  | "look"
  | "talk"
  | "show"
  | "upload"
  | "snap"
  | "control"
  | "edit"
  | "delete"
  | "forget"
  | "log"
  | "relay"
  | "users";

export const ROLES = ["admin", "operator", "viewer"] as const;

/** What a person with a login is. */
export type Role = (typeof ROLES)[number];

/** From a time of day to another, such as `08:00`; past midnight where the second comes first. */
export interface Hours {
  from: string;
  to: string;
}

export interface Me {
  /** There are users, so there is a door. */
  users: boolean;
  /** The first administrator may be made from here. */
  setup: boolean;
  /** Who is logged in; null for who is not. */
  name: string | null;
  /** Null without users, and where a later gallery says what is not known here. */
  role: Role | "visitor" | null;
  rights: string[];
  /** Patterns such as `house/*`; null for every camera. */
  cameras: string[] | null;
  /** When one may look; null for always. */
  hours: Hours | null;
  /** It came by HTTPS. */
  secure: boolean;
  /** Who can change this, for those who are logged in. */
  administrators: string[];
}

/** Null before the gallery has said it. */
export const caller = signal<Me | null>(null);

/** Whether this page may do that. Before it is known, the gallery is away, and refuses nothing. */
export function may(right: Right): boolean {
  return allows(caller.value, right);
}

export function allows(me: Me | null, right: Right): boolean {
  return me === null || me.rights.includes(right);
}

/** What one may see. When it changes, what was asked for before is asked for again. */
export const scope = computed(() => {
  const me = caller.value;
  return me && `${allows(me, "look")} ${me.cameras?.join(" ") ?? "*"}`;
});

/** Whether somebody else than before came in, or whoever was in is out now. */
export type Turn = "same" | "out" | "other";

/** `before` is the last person of this page who was logged in. */
export function turn(before: string | null, now: Me): Turn {
  if (before === null || before === now.name) return "same";
  return now.name === null ? "out" : "other";
}

/** Reads what `/api/me` and the page's socket say; null if it is something else. */
export function readMe(raw: unknown): Me | null {
  if (!isObject(raw) || typeof raw.users !== "boolean" || !Array.isArray(raw.rights)) return null;
  return {
    users: raw.users,
    setup: raw.setup === true,
    name: isText(raw.name) ? raw.name : null,
    role: raw.role === "visitor" ? "visitor" : readRole(raw.role),
    rights: texts(raw.rights),
    cameras: readPatterns(raw.cameras),
    hours: readHours(raw.hours),
    secure: raw.secure === true,
    administrators: texts(raw.administrators),
  };
}

export function readRole(raw: unknown): Role | null {
  return ROLES.find((role) => role === raw) ?? null;
}

/** Null for every camera. What cannot be read allows none. */
export function readPatterns(raw: unknown): string[] | null {
  if (raw === null || raw === undefined) return null;
  const patterns = texts(raw);
  return patterns.some((pattern) => /^\*+(\/\*+)?$/.test(pattern)) ? null : patterns;
}

export function readHours(raw: unknown): Hours | null {
  if (!isObject(raw) || !isTime(raw.from) || !isTime(raw.to)) return null;
  return { from: raw.from, to: raw.to };
}

function isTime(raw: unknown): raw is string {
  return typeof raw === "string" && /^([01]\d|2[0-3]):[0-5]\d$/.test(raw);
}

function texts(raw: unknown): string[] {
  return Array.isArray(raw) ? each(raw, (text) => (isText(text) ? text : null)) : [];
}
