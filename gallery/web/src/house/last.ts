// Somebody always runs the house: the gallery refuses what would leave nobody.

import type { User } from "../net/logins";

/** Whether nobody else runs the house. */
export function isLast(user: User, all: readonly User[]): boolean {
  return runs(user) && !all.some((other) => other.name !== user.name && runs(other));
}

/** An administrator whose cameras or hours are limited cannot always come. */
function runs({ role, cameras, hours }: User): boolean {
  return role === "admin" && cameras === null && hours === null;
}
