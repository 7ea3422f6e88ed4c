// What stands between the page and the gallery when the page came, but its WebSocket never opens:
// most likely a proxy that passes on less than it must.

import { effect } from "@preact/signals";
import { link } from "../../net/gallery";
import { words } from "../../words/language";
import { complain, mend } from "./toast";

const ABOUT = "proxy";

/** So many tries may fail before it is looked into. */
const TRIES = 2;

let tried = 0;
let known = false;

effect(() => {
  const now = link.value;
  if (now.open) {
    known = true;
    mend(ABOUT);
  } else if (!known && now.next !== null && ++tried >= TRIES) {
    void look();
  }
});

/**
 * A browser tells no page why a WebSocket was refused. So the same is asked in a way that is
 * checked as strictly and can be answered: it may not be done (405), or the Host and the Origin do
 * not agree (403).
 */
async function look(): Promise<void> {
  try {
    const { status } = await fetch(new URL("ws", document.baseURI), { method: "POST" });
    if (known || (status !== 403 && status !== 405)) return;
    known = true;
    const { proxyHost, proxyHostHelp, proxySocket, proxySocketHelp } = words.peek();
    if (status === 403) complain(proxyHost, proxyHostHelp, ABOUT);
    else complain(proxySocket, proxySocketHelp, ABOUT);
  } catch {
    // Nobody answers; the line of the connection says so.
  }
}
