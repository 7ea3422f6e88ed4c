// Getting others in: by which addresses they come, the code for a phone, and the button anywhere
// that shows both.

import { effect, signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { askInvitation } from "../net/api";
import { link } from "../net/gallery";
import { copy } from "../page/clipboard";
import { Icon } from "../page/icon";
import { Round } from "../page/round-button";
import { room, type Room } from "../page/route";
import { words } from "../words/language";
import { coded, roomAt, typed, ways, type For, type Invitation, type Way } from "./ways";

/** How long a button says that it has copied, in milliseconds. */
const COPIED = 2_000;

/** What the gallery said last; null before that, or if it is not for this visitor. */
const invitation = signal<Invitation | null>(null);

/** Whether the list and the code are shown over the room. */
const inviting = signal(false);

const told = (): Way[] =>
  invitation.value ? ways(invitation.value, new URL(".", document.baseURI).href) : [];

async function ask(): Promise<void> {
  invitation.value = await askInvitation().catch(() => invitation.peek());
}

/** Asks again whenever this is shown: networks come and go. */
function useInvitation(): void {
  useEffect(() => {
    void ask();
    // A gallery that was away may be reached by other addresses now.
    let before = link.peek().open;
    return effect(() => {
      const { open } = link.value;
      if (open && !before) void ask();
      before = open;
    });
  }, []);
}

/** The addresses that lead to a room, and the code of one; both are parts of what is around them. */
export function Join({ to }: { to: Room }) {
  useInvitation();
  const { invite } = words.value;
  const now = invitation.value;
  if (!now) return null;
  const all = told();
  const phone = coded(all);
  if (!phone) {
    const { closed, closedHelp, unreached, unreachedHelp } = invite;
    return (
      <div class="join">
        <h3>{now.closed ? closed : unreached}</h3>
        {now.closed ? (
          <p class="note">
            {closedHelp[0]}
            <code>vitrina --open</code>
            {closedHelp[1]}
            <code>open = true</code>
            {closedHelp[2]}
          </p>
        ) : (
          <p class="note">{unreachedHelp}</p>
        )}
      </div>
    );
  }
  return (
    <>
      <div class="join">
        <h3>{invite.joinAt}</h3>
        <ul role="list">
          {all.map((way) => (
            <Row key={way.url} way={way} to={to} />
          ))}
        </ul>
        <div class="acts">
          {"share" in navigator && (
            <button class="pill" onClick={() => share(roomAt(phone.url, to))}>
              <Icon name="share" />
              {invite.share}
            </button>
          )}
          <span>{invite.nameIsEnough}</span>
        </div>
      </div>
      <figure class="code">
        <img
          class="qr"
          src={new URL(codeOf(roomAt(phone.url, to)), document.baseURI).href}
          alt={invite.codeOf(typed(phone.url))}
        />
        <figcaption>{invite.pointAt[to]}</figcaption>
      </figure>
    </>
  );
}

function Row({ way, to }: { way: Way; to: Room }) {
  const { invite } = words.value;
  const [copied, setCopied] = useState(0);
  useEffect(() => {
    if (copied === 0) return;
    const timer = setTimeout(setCopied, COPIED, 0);
    return () => clearTimeout(timer);
  }, [copied]);
  const shown = typed(way.url);
  const take = async (): Promise<void> => {
    const url = roomAt(way.url, to);
    if (await copy(url)) setCopied((before) => before + 1);
    else prompt(invite.copyThis, url);
  };
  return (
    <li>
      <span class="a">{shown}</span>
      <small>{noteOf(way)}</small>
      <button class="act" aria-label={copied ? undefined : invite.copyThat(shown)} onClick={take}>
        {copied ? invite.copied : invite.copy}
      </button>
      <span class="sr" role="status">
        {copied > 0 && invite.copied}
      </span>
    </li>
  );
}

function noteOf(way: Way): string {
  const { invite } = words.value;
  const use = useOf(way.for);
  return way.warns ? `${use}. ${invite.warns}` : use;
}

function useOf(use: For): string {
  const { invite } = words.value;
  switch (use.is) {
    case "network":
      return invite.fromNetwork;
    case "interface":
      return invite.fromInterface(use.interface);
    case "unnamed":
      return invite.unnamed;
    case "own":
      return invite.own;
    case "camera":
      return invite.camera;
  }
}

function codeOf(url: string): string {
  return `api/code.svg?${new URLSearchParams({ text: url })}`;
}

function share(url: string): void {
  // Whoever closes the browser's sheet has changed their mind.
  void navigator.share({ title: "Vitrina", url }).catch(() => {});
}

/** For a room that is not empty: where others join, in one line. */
export function JoinLine() {
  useInvitation();
  const [first] = told();
  if (!first) return null;
  return (
    <p class="join-line">
      {words.value.invite.joinAt} <b>{typed(first.url)}</b>
    </p>
  );
}

/** In the bar, in every room. */
export function InviteButton() {
  return (
    <button class="word inviter" onClick={() => (inviting.value = true)}>
      <Icon name="share" />
      <span>{words.value.invite.title}</span>
    </button>
  );
}

/** What the button opens. */
export function Inviting() {
  return inviting.value ? <Sheet /> : null;
}

function Sheet() {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current!.showModal(), []);
  const { invite, close } = words.value;
  const at = room.value;
  return (
    <dialog
      ref={dialog}
      class="inviting"
      aria-labelledby="inviting"
      onClose={() => (inviting.value = false)}
      onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}
    >
      <div class="inside">
        <header>
          <h2 id="inviting">{invite.title}</h2>
          <Round label={close} icon="close" press={() => dialog.current!.close()} />
        </header>
        <div class="invitation">
          <Join to={at === "photos" || at === "people" ? at : "wall"} />
        </div>
      </div>
    </dialog>
  );
}
