// The addresses by which others come in, as the page tells them: in which order, what each is for,
// and which one a phone reads from the code.

import type { Room } from "../page/route";

/** What the gallery says of an address. */
export interface Address {
  url: string;
  /** The interface through which others come, if the host is a number. */
  interface?: string;
  /** Browsers warn of the certificate. */
  warns: boolean;
}

export interface Invitation {
  /** Only programs of its own machine reach the gallery. */
  closed: boolean;
  /** This browser is on another device than the gallery, or behind a proxy. */
  elsewhere: boolean;
  addresses: Address[];
}

/** What an address is for. */
export type For =
  | { is: "network" }
  /** One of several networks. */
  | { is: "interface"; interface: string }
  /** Where the name above is not found. */
  | { is: "unnamed" }
  /** The one by which this browser came. */
  | { is: "own" }
  /** What browsers give a page only over HTTPS. */
  | { is: "camera" };

export interface Way {
  url: string;
  for: For;
  warns: boolean;
}

const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * The addresses in the order in which they are told. `here` is this page's own: what has led one
 * visitor from elsewhere here leads others, too, also through a proxy that only they can name.
 */
export function ways({ elsewhere, addresses }: Invitation, here: string): Way[] {
  const own = elsewhere && !LOOPBACK.test(new URL(here).hostname) ? here : null;
  const plain = addresses.filter(({ url }) => !isSecure(url));
  const known = addresses.find(({ url }) => url === own);
  let all = addresses;
  if (own !== null && !known) all = [{ url: own, warns: false }, ...addresses];
  else if (known && (plain.length === 0 || !isSecure(known.url))) {
    all = [known, ...addresses.filter((other) => other !== known)];
  }
  const several = plain.filter((address) => address.interface !== undefined).length > 1;
  let named = false;
  return all.map((address): Way => {
    const { url, warns } = address;
    if (url === own && !known) return { url, warns, for: { is: "own" } };
    if (isSecure(url) && plain.length > 0) return { url, warns, for: { is: "camera" } };
    if (address.interface === undefined) {
      named = true;
      return { url, warns, for: { is: "network" } };
    }
    if (several) return { url, warns, for: { is: "interface", interface: address.interface } };
    return { url, warns, for: { is: named ? "unnamed" : "network" } };
  });
}

/**
 * The address for the code: one that every phone finds, a number or the one by which this browser
 * came itself. Many phones do not find a name of the network.
 */
export function coded(ways: readonly Way[]): Way | undefined {
  return ways.find((way) => way.for.is === "own" || isNumber(way.url)) ?? ways[0];
}

/** The address of a room, as the gallery answers it below any path. */
export function roomAt(url: string, room: Room): string {
  return room === "wall" ? url : new URL(room, url).href;
}

/** An address as people read and type it. */
export function typed(url: string): string {
  return url.replace(/\/$/, "");
}

function isNumber(url: string): boolean {
  return /^(\d+(\.\d+){3}|\[.*\])$/.test(new URL(url).hostname);
}

function isSecure(url: string): boolean {
  return url.startsWith("https:");
}
