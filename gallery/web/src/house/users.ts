// The people who have a login, as the gallery knows them, and what is done to them. A change counts
// at once and can be undone; who was removed can be brought back for some seconds.

import { signal } from "@preact/signals";
import { Refusal } from "../net/api";
import {
  addUser,
  changeUser,
  listUsers,
  removeUser,
  restoreUser,
  type Change,
  type User,
} from "../net/logins";
import { complain, show } from "../page/notices/toast";
import { words } from "../words/language";

/** In the order of their names; null before they are known. */
export const users = signal<readonly User[] | null>(null);

export async function askUsers(): Promise<void> {
  try {
    const all = await listUsers();
    users.value = all.sort((a, b) => a.name.localeCompare(b.name));
  } catch {
    // The list stays as it was; the connection's line says what is wrong.
  }
}

/** Changes something, and offers to change it back. */
export async function change(user: User, to: Change): Promise<void> {
  const before: Change = {};
  if ("role" in to) before.role = user.role;
  if ("cameras" in to) before.cameras = user.cameras;
  if ("hours" in to) before.hours = user.hours;
  if (!(await apply(user.name, to))) return;
  const { changed, passwordSet } = words.peek().logins;
  if (to.password !== undefined) show({ text: passwordSet(user.name) });
  else show({ text: changed(user.name), undo: () => void apply(user.name, before) });
}

/** Whether it was done. It is shown at once, and taken back if it is refused. */
async function apply(name: string, to: Change): Promise<boolean> {
  const { password: _, ...seen } = to;
  const now = (users.peek() ?? []).map((user) =>
    user.name === name ? { ...user, ...seen } : user,
  );
  users.value = now;
  try {
    await changeUser(name, to);
    await askUsers();
    return true;
  } catch (error) {
    refuse(words.peek().logins.notChanged(name), error);
    await askUsers();
    return false;
  }
}

/** Adds somebody; the reason if that was refused. */
export async function add(
  user: Change & { name: string; password: string },
): Promise<Refusal | null> {
  try {
    await addUser(user);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  await askUsers();
  show({ text: words.peek().logins.added(user.name) });
  return null;
}

/** Removes somebody, which counts at once, and offers to bring them back. */
export async function remove({ name }: User): Promise<void> {
  const { removed, notRemoved, notRestored } = words.peek().logins;
  const restore = async (): Promise<void> => {
    try {
      await restoreUser(name);
    } catch (error) {
      refuse(notRestored(name), error);
    }
    await askUsers();
  };
  try {
    await removeUser(name);
    show({ text: removed(name), undo: () => void restore() });
  } catch (error) {
    refuse(notRemoved(name), error);
  }
  await askUsers();
}

function refuse(headline: string, error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
  complain(headline, error.message || words.peek().noAnswer);
}
