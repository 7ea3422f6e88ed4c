// Finds out what blocks a WebSocket that never opens although the page loaded:
// most likely a proxy that passes on too little.

import { effect } from "@preact/signals";
import { link } from "../../net/gallery";
import { words } from "../../words/language";
import { complain, mend } from "./toast";

const ABOUT = "proxy";

/** How many tries may fail before this looks into it. */
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
 * A browser does not say why a WebSocket was refused. So this asks in a way that the gallery
 * checks as strictly but can answer: the method is wrong (405), or Host and Origin do
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
    // Nobody answers; the connection's line says so.
  }
}
