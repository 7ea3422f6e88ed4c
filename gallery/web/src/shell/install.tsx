// The page as an app of its own: what it needs for that, and the word that installs it.

import { effect, signal } from "@preact/signals";
import { link } from "../net/gallery";
import { secureAddress } from "../net/secure-address";
import { words } from "../words/language";

/** Where Chromium offers to install a page, it hands the page this (Manifest Incubations). */
interface Offer extends Event {
  prompt(): Promise<unknown>;
}

const offer = signal<Offer | null>(null);

/** Browsers refuse a service worker where a warning about the certificate was passed over. */
const distrusted = signal(false);

/** Whether this runs in a window of its own already. */
const installed = matchMedia("(display-mode: standalone)").matches;

export function followInstall(): void {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offer.value = event as Offer;
  });
  addEventListener("appinstalled", () => (offer.value = null));
  // Browsers give none to a page that comes by plain HTTP from another machine.
  const workers = "serviceWorker" in navigator ? navigator.serviceWorker : null;
  const script = new URL("service-worker.js", document.baseURI);
  const registered = workers?.register(script, { updateViaCache: "none" }).catch(() => {
    distrusted.value = location.protocol === "https:";
    return null;
  });
  let before = false;
  effect(() => {
    const { open } = link.value;
    // A gallery that was away may be another version.
    if (open && !before) void registered?.then((worker) => worker?.update().catch(() => null));
    before = open;
  });
}

export function Install() {
  const { app } = words.value;
  if (installed) return null;
  const asked = offer.value;
  if (asked) {
    const install = (): void => {
      offer.value = null;
      void asked.prompt();
    };
    return (
      <button class="word install" onClick={install}>
        {app.install}
      </button>
    );
  }
  if (distrusted.value) return <p class="install">{app.onlyTrusted}</p>;
  if (isSecureContext) return null;
  const secure = secureAddress.value;
  return secure === null ? (
    <p class="install">{app.onlySecure}</p>
  ) : (
    <a class="word install" href={secure}>
      {app.onlySecure}
    </a>
  );
}

/** The rooms when the gallery was not reached since the page was opened. */
export function Away() {
  const { title, help } = words.value.away;
  return (
    <section class="hollow away">
      <h2>{title}</h2>
      <p>{help}</p>
    </section>
  );
}
