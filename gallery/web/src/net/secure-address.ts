// Where this page is by HTTPS, which browsers want for some of what it does.

import { computed } from "@preact/signals";
import { notices } from "./gallery";

/** Null if the gallery does not offer it. */
export const secureAddress = computed(() => {
  const port = notices.value.find(({ code }) => code === "https")?.port;
  if (port === undefined) return null;
  const url = new URL(location.href);
  url.protocol = "https:";
  url.port = `${port}`;
  // Not below the path of a proxy that this page came through.
  url.pathname = "/";
  url.hash = "#/people";
  return url.href;
});
