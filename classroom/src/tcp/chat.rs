//! The chat. The first message of a client is its name, each further one goes to all others. Its
//! words are those of the program that it comes from, in Spanish, because clients may compare them.

use std::future::pending;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use gallery::{Guest, Held, House};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};
use traffic::{Client, Kind, Mistake, Passing};
use wire::limits;
use wire::people::{Line, What};

use super::{Lines, NO_HTTP, NO_TEXT, NO_TEXTS, Out, is_http, text};

/// How long somebody may think of a name, and how often try one.
const NAME_WITHIN: Duration = Duration::from_secs(5 * 60);
const NAMES: usize = 10;

/// Serves a client, as it is watched, until it goes.
///
/// # Errors
/// The connection broke.
pub(crate) async fn serve(
    stream: TcpStream,
    peer: IpAddr,
    house: House,
    here: Client,
) -> io::Result<()> {
    let (reader, writer) = stream.into_split();
    let (mut lines, mut out) = (Lines::new(reader), Out::new(writer));
    match greet(&mut lines, &mut out, peer, &house, &here).await? {
        Some(guest) => {
            here.is_called(guest.name());
            talk(lines, out, guest, here).await
        }
        None => Ok(()),
    }
}

/// Asks for the name, and joins. `None` if there is none.
async fn greet<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    lines: &mut Lines<R>,
    out: &mut Out<W>,
    peer: IpAddr,
    house: &House,
    here: &Client,
) -> io::Result<Option<Guest>> {
    let by = Instant::now() + NAME_WITHIN;
    for _ in 0..NAMES {
        let Ok(first) = timeout_at(by, lines.next()).await else { return Ok(None) };
        let Some(first) = first? else { return Ok(None) };
        out.ending = lines.ending();
        if is_http(&first) {
            here.mistake(Mistake::Browser);
            out.end(NO_HTTP).await;
            return Ok(None);
        }
        let Some(name) = text(&first) else {
            here.mistake(Mistake::NotText);
            out.write(NO_TEXT).await?;
            continue;
        };
        let Ok(joined) = timeout_at(by, join(&name, peer, house)).await else { return Ok(None) };
        match joined {
            Ok(guest) => {
                out.write(&format!("Tu nombre es {}", shown(guest.name()))).await?;
                return Ok(Some(guest));
            }
            Err(_) => out.write("[Vitrina] Escribe primero tu nombre.").await?,
        }
    }
    Ok(None)
}

/// Joins by as much of the name as can be shown, as soon as there is room.
async fn join(name: &str, peer: IpAddr, house: &House) -> Result<Guest, Held> {
    let name: Vec<&str> = name.split_whitespace().collect();
    let name: String = name.join(" ").chars().take(limits::PERSON).collect();
    loop {
        match house.join(&name, peer) {
            Err(Held { seconds: Some(seconds), .. }) => sleep(wait(seconds)).await,
            joined => return joined,
        }
    }
}

/// What somebody wants to say, and may not yet.
struct Waiting {
    text: String,
    passing: Passing,
    until: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Waiting {
    /// Until nothing holds up the traffic.
    fn new(text: String, here: &Client) -> Waiting {
        let bytes = text.len();
        let passing = here.passing(|| Kind::Chat, bytes);
        let (here, passes) = (here.clone(), passing.clone());
        let until = Box::pin(async move { here.opens(&passes, bytes).await });
        Waiting { text, passing, until }
    }
}

/// Passes messages both ways. What comes too fast waits, and its sender with it; but it hears the
/// others meanwhile.
async fn talk<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    mut lines: Lines<R>,
    mut out: Out<W>,
    mut guest: Guest,
    here: Client,
) -> io::Result<()> {
    let (mut waiting, mut no_texts) = (None::<Waiting>, 0);
    loop {
        let message = tokio::select! {
            (came, heard) = guest.heard() => {
                let told = told(&heard);
                here.reaches_since(came, told.len()).await;
                out.write(&told).await?;
                continue;
            }
            () = over(&mut waiting) => {
                if let Some(Waiting { text, passing, .. }) = waiting.take()
                    && let Err(Held { seconds: Some(seconds), .. }) = guest.say(&text, &passing)
                {
                    here.mistake(Mistake::TalksTooFast);
                    let until = Box::pin(sleep(wait(seconds)));
                    waiting = Some(Waiting { text, passing, until });
                }
                continue;
            }
            message = lines.next(), if waiting.is_none() => {
                let Some(message) = message? else {
                    guest.leave().await;
                    return Ok(());
                };
                out.ending = lines.ending();
                text(&message)
            }
        };
        let Some(message) = message else {
            no_texts += 1;
            here.mistake(Mistake::NotText);
            out.write(NO_TEXT).await?;
            if no_texts >= NO_TEXTS {
                return Ok(());
            }
            continue;
        };
        no_texts = 0;
        // An empty line says nothing.
        if !message.is_empty() {
            waiting = Some(Waiting::new(message, &here));
        }
    }
}

/// Waits until what waits may be said; for ever if nothing does.
async fn over(waiting: &mut Option<Waiting>) {
    match waiting {
        Some(waiting) => (&mut waiting.until).await,
        None => pending().await,
    }
}

fn wait(seconds: f32) -> Duration {
    Duration::try_from_secs_f32(seconds.clamp(0.05, 30.0)).unwrap_or(Duration::from_secs(1))
}

/// A line of the talk as a client is told.
fn told(Line { person, what, .. }: &Line) -> String {
    let name = shown(&person.name);
    match what {
        What::Joined => format!("[{name} se ha conectado]"),
        What::Left { .. } => format!("[{name} se ha desconectado]"),
        What::Renamed { before } => format!("[{} ahora es {name}]", shown(before)),
        What::Said { text } => format!("[{name}] {text}"),
    }
}

/// A name within brackets, which only the program writes.
fn shown(name: &str) -> String {
    name.replace('[', "(").replace(']', ")")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_look_like_another() {
        let line = |name: &str, what| Line {
            id: "01KB0000000000000000000000".parse().unwrap(),
            at: 0,
            person: wire::Author { id: "a".repeat(10).parse().unwrap(), name: name.to_owned() },
            what,
        };
        let said = What::Said { text: "hola".to_owned() };
        assert_eq!(told(&line("Ana", said)), "[Ana] hola");
        assert_eq!(told(&line("Ana", What::Joined)), "[Ana se ha conectado]");
        assert_eq!(told(&line("Ana", What::Left { lost: true })), "[Ana se ha desconectado]");
        let said = What::Said { text: "x".to_owned() };
        assert_eq!(told(&line("Profe] suspendes [", said)), "[Profe) suspendes (] x");
    }
}
