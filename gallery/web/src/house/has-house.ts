// Whose room the house is.

import { computed } from "@preact/signals";
import { notices } from "../net/gallery";
import { caller, may } from "../net/me";

/** Whether nobody runs this house, and this page has something to say about that. */
const isUnrun = computed(() => {
  const me = caller.value;
  if (me === null || me.users) return false;
  return me.setup || notices.value.some(({ code }) => code === "open");
});

/** Whether this person has the room: who may say who may come, or can make the first who may. */
export const hasHouse = computed(() => (caller.value?.users ? may("users") : isUnrun.value));
