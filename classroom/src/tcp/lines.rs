//! Finds messages in what a client sends.
//!
//! A line is a message. But programs that were written for `recv(1024)` send no line ends: then a
//! message is what came until the client paused. Either way it is cut when it is long.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout_at};

/// The most bytes of a message: then it has no more characters than may be said at once.
pub(crate) const MOST: usize = wire::limits::SAY;

/// A message without a line end is over after this pause; parts of one come together.
const PAUSE: Duration = Duration::from_millis(20);

/// The same for a client that sends line ends: its line may come in parts over a bad network.
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// How a client ends its lines, and wants ours to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Not at all, as far as is known.
    #[default]
    None,
    Lf,
    CrLf,
}

impl Ending {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Ending::None => "",
            Ending::Lf => "\n",
            Ending::CrLf => "\r\n",
        }
    }
}

/// The messages of a client, see the module.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    buffer: BytesMut,
    /// When something came last.
    came: Instant,
    ending: Ending,
    is_over: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub fn new(reader: R) -> Lines<R> {
        let (buffer, came) = (BytesMut::new(), Instant::now());
        Lines { reader, buffer, came, ending: Ending::None, is_over: false }
    }

    /// How the client ends its lines, as far as is known.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// The next message, without its end; `None` after the client has gone. Safe to cancel.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(message) = self.cut() {
                return Ok(Some(message));
            }
            if self.is_over {
                let rest = self.buffer.split().to_vec();
                return Ok((!rest.is_empty()).then_some(rest));
            }
            self.buffer.reserve(MOST);
            let is_between = self.buffer.is_empty();
            let more = self.reader.read_buf(&mut self.buffer);
            let pause = if self.ending == Ending::None { PAUSE } else { LONG_PAUSE };
            let by = self.came + pause;
            let read = match is_between {
                true => more.await?,
                false => match timeout_at(by, more).await {
                    Ok(read) => read?,
                    Err(_) => return Ok(Some(self.buffer.split().to_vec())),
                },
            };
            self.came = Instant::now();
            self.is_over = read == 0;
        }
    }

    /// A message that is whole or long in what has come.
    fn cut(&mut self) -> Option<Vec<u8>> {
        let within = self.buffer.len().min(MOST + 2);
        if let Some(at) = self.buffer.iter().take(within).position(|&byte| byte == b'\n') {
            let mut line = self.buffer.split_to(at);
            self.buffer.advance(1);
            self.ending = Ending::Lf;
            if line.ends_with(b"\r") {
                line.truncate(line.len() - 1);
                self.ending = Ending::CrLf;
            }
            return Some(line.to_vec());
        }
        if self.buffer.len() < MOST + 2 {
            return None;
        }
        // No character is torn: at most three bytes of one stand before the cut.
        let is_inner = |&at: &usize| self.buffer.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
        let back = (MOST - 3..=MOST).rev().find(|at| !is_inner(at)).unwrap_or(MOST);
        Some(self.buffer.split_to(back).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    /// The messages in what comes in these parts, with a pause of a minute after each.
    async fn messages(parts: &[&[u8]]) -> (Vec<String>, Ending) {
        let (mut far, near) = duplex(1 << 20);
        let mut lines = Lines::new(near);
        let mut messages = Vec::new();
        let send = async {
            for part in parts {
                far.write_all(part).await.unwrap();
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            drop(far);
        };
        let hear = async {
            while let Some(message) = lines.next().await.unwrap() {
                messages.push(String::from_utf8_lossy(&message).into_owned());
            }
        };
        tokio::join!(send, hear);
        (messages, lines.ending())
    }

    #[tokio::test(start_paused = true)]
    async fn lines_are_messages_and_so_is_what_has_no_line_end() {
        let (lines, ending) =
            messages(&[b"Ana\nhola\n", b"\xc2\xbfqu\xc3\xa9?\n\nadi", b"\n"]).await;
        assert_eq!(lines, ["Ana", "hola", "¿qué?", "", "adi", ""]);
        assert_eq!(ending, Ending::Lf);
        let (lines, ending) = messages(&[b"Ana\r\n", b"hola\r\nx\r\n"]).await;
        assert_eq!((lines, ending), (vec!["Ana".into(), "hola".into(), "x".into()], Ending::CrLf));
        let (lines, ending) = messages(&[b"Ana", b"hola a todos", b"adi\xc3\xb3s"]).await;
        assert_eq!(lines, ["Ana", "hola a todos", "adiós"]);
        assert_eq!(ending, Ending::None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_message_is_cut_between_characters() {
        let long = "é".repeat(MOST);
        let (parts, _) = messages(&[long.as_bytes()]).await;
        assert!(parts.iter().all(|part| part.len() <= MOST && !part.contains('\u{fffd}')));
        assert_eq!(parts.concat(), long);
        // A line of just that length is whole.
        let line = "x".repeat(MOST);
        let (parts, _) = messages(&[format!("{line}\r\ny\n").as_bytes()]).await;
        assert_eq!(parts, [line, "y".to_owned()]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_long(bytes in proptest::collection::vec(any::<u8>(), 0..9000)) {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_time().start_paused(true).build().unwrap();
            let heard = runtime.block_on(async {
                let (mut far, near) = duplex(1 << 20);
                far.write_all(&bytes).await.unwrap();
                drop(far);
                let mut lines = Lines::new(near);
                let mut heard = Vec::new();
                while let Some(message) = lines.next().await.unwrap() {
                    heard.push(message);
                }
                heard
            });
            prop_assert!(heard.iter().all(|message| message.len() <= MOST + 2));
            let without = |bytes: &[u8]| -> Vec<u8> {
                bytes.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect()
            };
            prop_assert_eq!(without(&heard.concat()), without(&bytes));
        }
    }
}
