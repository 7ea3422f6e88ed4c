// The service worker of an installed page (W3C Service Workers): it keeps the page itself, so that
// the page can say that its gallery is away. It answers nothing else, neither pictures nor what the
// gallery knows: what is old must not look new.

/** The files of this page, as the bundler named them. */
declare const SHELL: readonly string[];

/** Another one with each page, so that this script is another one, too, and is fetched anew. */
declare const VERSION: string;

/** What a proxy answers whose gallery does not (RFC 9110, 15.6). */
const AWAY: ReadonlySet<number> = new Set([502, 503, 504]);

/** Milliseconds; a gallery that takes longer is away. */
const PATIENCE = 5_000;

// TypeScript has these types only in a library that does not go together with the page's.
interface Lasting extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface Fetching extends Event {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Scope {
  readonly registration: { readonly scope: string };
  addEventListener(type: "install" | "activate", listener: (event: Lasting) => void): void;
  addEventListener(type: "fetch", listener: (event: Fetching) => void): void;
}

const worker = globalThis as unknown as Scope;

/** Galleries under other paths of the same server have caches of their own. */
const OWN = `vitrina ${worker.registration.scope} `;
const CACHE = OWN + VERSION;

const PAGE = worker.registration.scope;
const files = new Set(SHELL.map((name) => new URL(name, PAGE).href));

worker.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([PAGE, ...files])));
});

// Only now does no page use the files of before any more.
worker.addEventListener("activate", (event) => {
  const old = caches.keys().then((all) => all.filter((n) => n.startsWith(OWN) && n !== CACHE));
  event.waitUntil(old.then((names) => Promise.all(names.map((name) => caches.delete(name)))));
});

worker.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  if (method !== "GET") return;
  const address = new URL(url);
  if (mode === "navigate" && address.origin + address.pathname === PAGE) {
    event.respondWith(newest(event.request));
  } else if (files.has(url)) {
    event.respondWith(kept(url).then((file) => file ?? fetch(event.request)));
  }
});

function kept(url: string): Promise<Response | undefined> {
  return caches.open(CACHE).then((cache) => cache.match(url));
}

/** The page as the gallery has it now, or, while that does not answer, as it was. */
async function newest(request: Request): Promise<Response> {
  const late = new Promise<null>((resolve) => setTimeout(resolve, PATIENCE, null));
  const asked = fetch(request);
  const come = await Promise.race([asked.catch(() => null), late]);
  return come && !AWAY.has(come.status) ? come : ((await kept(PAGE)) ?? asked);
}
