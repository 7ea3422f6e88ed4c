//! Reads `multipart/form-data` (RFC 7578, RFC 2046 section 5.1) piece by piece, and never holds
//! more than the last piece and one part's header. That is why no library is used:
//! `docs/decisions/photos.md`.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

/// The longest header of a part, which has a name and a type.
const HEADER: usize = 16 * 1024;

/// RFC 2046, 5.1.1: at most 70 characters.
const BOUNDARY: usize = 70;

/// A body that brings nothing for this long has stopped.
const SILENCE: Duration = Duration::from_secs(20);

/// Why reading a body cannot continue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadBody {
    #[error("the body is not multipart/form-data")]
    NotMultipart,
    #[error("the body is broken: {0}")]
    Broken(&'static str),
    #[error("the body ends too early")]
    Cut,
    #[error("nothing came for {} s", SILENCE.as_secs())]
    Silent,
    #[error("the body is too large")]
    TooLarge,
}

/// The facts in a part's header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Part {
    pub name: String,
    /// As the browser sent it.
    pub file_name: Option<String>,
}

/// A body, read part by part.
#[derive(Debug)]
pub(crate) struct Multipart<S> {
    body: S,
    buffer: BytesMut,
    /// The bytes that end a part's data.
    delimiter: Vec<u8>,
    within: bool,
}

impl<S> Multipart<S>
where
    S: Stream<Item = Result<Bytes, BadBody>> + Unpin,
{
    /// `content_type` is the header of that name.
    ///
    /// # Errors
    /// [`BadBody::NotMultipart`] if it has another type or no boundary.
    pub fn new(content_type: &str, body: S) -> Result<Self, BadBody> {
        let (media, parameters) = content_type.split_once(';').ok_or(BadBody::NotMultipart)?;
        let boundary = parameter(parameters, "boundary")
            .filter(|boundary| (1..=BOUNDARY).contains(&boundary.len()))
            .filter(|_| media.trim().eq_ignore_ascii_case("multipart/form-data"))
            .ok_or(BadBody::NotMultipart)?;
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        // The first boundary may begin the body; anything before it belongs to no part.
        Ok(Multipart { body, buffer: BytesMut::from(&b"\r\n"[..]), delimiter, within: true })
    }

    /// The next part, or `None` after the last. Skips unread data of the part before.
    ///
    /// # Errors
    /// [`BadBody`]; going on is useless.
    pub async fn next(&mut self) -> Result<Option<Part>, BadBody> {
        while self.data().await?.is_some() {}
        if self.peek(2).await? == b"--" {
            return Ok(None);
        }
        // Spaces and tabs may follow a boundary.
        while matches!(self.peek(1).await?, b" " | b"\t") {
            let _ = self.buffer.split_to(1);
        }
        if self.peek(2).await? != b"\r\n" {
            return Err(BadBody::Broken("a boundary does not end its line"));
        }
        // The line break stays: a header without fields is just two of them.
        let mut from = 0;
        let end = loop {
            if let Some(at) = find(&self.buffer[from..], b"\r\n\r\n") {
                break from + at + 4;
            }
            if self.buffer.len() > HEADER {
                return Err(BadBody::Broken("a part's header is too long"));
            }
            from = self.buffer.len().saturating_sub(3);
            self.fill().await?;
        };
        let header = self.buffer.split_to(end);
        self.within = true;
        part(&header[2..]).map(Some)
    }

    /// The next piece of the part's data, or `None` after the last.
    ///
    /// # Errors
    /// As [`Multipart::next`].
    pub async fn data(&mut self) -> Result<Option<Bytes>, BadBody> {
        while self.within {
            if let Some(at) = find(&self.buffer, &self.delimiter) {
                if at > 0 {
                    return Ok(Some(self.buffer.split_to(at).freeze()));
                }
                let _ = self.buffer.split_to(self.delimiter.len());
                self.within = false;
                break;
            }
            // The last bytes may begin the delimiter.
            let sure = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
            if sure > 0 {
                return Ok(Some(self.buffer.split_to(sure).freeze()));
            }
            self.fill().await?;
        }
        Ok(None)
    }

    async fn peek(&mut self, n: usize) -> Result<&[u8], BadBody> {
        while self.buffer.len() < n {
            self.fill().await?;
        }
        Ok(&self.buffer[..n])
    }

    async fn fill(&mut self) -> Result<(), BadBody> {
        match timeout(SILENCE, self.body.next()).await {
            Err(_) => Err(BadBody::Silent),
            Ok(Some(Ok(bytes))) => {
                self.buffer.extend_from_slice(&bytes);
                Ok(())
            }
            Ok(Some(Err(error))) => Err(error),
            Ok(None) => Err(BadBody::Cut),
        }
    }
}

fn part(header: &[u8]) -> Result<Part, BadBody> {
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let Ok(httparse::Status::Complete((_, fields))) = httparse::parse_headers(header, &mut fields)
    else {
        return Err(BadBody::Broken("a part's header cannot be read"));
    };
    let disposition = fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case("content-disposition"))
        .map(|field| String::from_utf8_lossy(field.value))
        .ok_or(BadBody::Broken("a part has no Content-Disposition"))?;
    let parameters = disposition.split_once(';').map_or("", |(_, parameters)| parameters);
    let name = parameter(parameters, "name").unwrap_or_default();
    // RFC 7578 forbids it here, but some clients send it beside a meaningless name.
    let extended = parameter(parameters, "filename*").and_then(|value| extended(&value));
    let file_name = extended.or_else(|| parameter(parameters, "filename"));
    Ok(Part { name, file_name })
}

/// An extended value in UTF-8 (RFC 8187, section 3.2), such as `UTF-8''na%C3%AFve.jpg`.
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    if !charset.trim().eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// The value of a parameter, perhaps in quotation marks. A backslash counts as itself, as in the
/// paths that old browsers send, unless it precedes a quotation mark, as curl sends it.
fn parameter(text: &str, name: &str) -> Option<String> {
    let mut rest = text;
    loop {
        let (key, value) = rest.split_once('=')?;
        let key = key.trim_matches(|c: char| c == ';' || c.is_ascii_whitespace());
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value[..end].trim_end().to_owned(), &value[end..])
            }
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
}

fn unquote(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' if chars.next_if(|&(_, next)| next == '"').is_some() => value.push('"'),
            _ => value.push(c),
        }
    }
    (value, "")
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;

    type Parts = Vec<(Part, Vec<u8>)>;

    /// Reads a body that comes in pieces of one size.
    async fn read(body: &[u8], piece: usize) -> Result<Parts, BadBody> {
        read_pieces(body.chunks(piece).map(Bytes::copy_from_slice).collect()).await
    }

    /// Reads a body that comes in these pieces.
    async fn read_pieces(pieces: Vec<Bytes>) -> Result<Parts, BadBody> {
        let content_type = "multipart/form-data; boundary=\"xY-z\"";
        let mut multipart = Multipart::new(content_type, stream::iter(pieces.into_iter().map(Ok)))?;
        let mut parts = Vec::new();
        while let Some(part) = multipart.next().await? {
            let mut data = Vec::new();
            while let Some(piece) = multipart.data().await? {
                data.extend(piece);
            }
            parts.push((part, data));
        }
        Ok(parts)
    }

    const BODY: &[u8] = b"before\r\n--xY-z\r\n\
        Content-Disposition: form-data; name=\"image\"; filename=\"a;b=\\\"c\\\".jpg\"\r\n\
        Content-Type: image/jpeg\r\n\r\n\r\n--xY-\r\n--xY\r\n\r\n--xY-z \t\r\n\
        content-disposition: form-data; name=text\r\n\r\n\r\n--xY-z--\r\nafter";

    fn parts() -> Parts {
        let file_name = Some("a;b=\"c\".jpg".to_owned());
        vec![
            (Part { name: "image".into(), file_name }, b"\r\n--xY-\r\n--xY\r\n".to_vec()),
            (Part { name: "text".into(), file_name: None }, Vec::new()),
        ]
    }

    #[tokio::test]
    async fn parts_are_the_same_however_the_body_is_cut_into_pieces() {
        for piece in 1..=BODY.len() {
            assert_eq!(read(BODY, piece).await, Ok(parts()), "pieces of {piece}");
        }
    }

    #[tokio::test]
    async fn a_body_that_ends_too_early_is_an_error() {
        let end = BODY.len() - b"\r\nafter".len();
        for cut in 0..end {
            assert_eq!(read(&BODY[..cut], 7).await, Err(BadBody::Cut), "cut at {cut}");
        }
        assert!(read(&BODY[..end], 7).await.is_ok());
    }

    #[tokio::test]
    async fn a_part_that_is_not_read_is_skipped() {
        let body = stream::iter([Ok::<_, BadBody>(Bytes::from_static(BODY))]);
        let mut multipart = Multipart::new("Multipart/Form-Data;boundary=xY-z", body).unwrap();
        assert_eq!(multipart.next().await.unwrap().unwrap(), parts()[0].0);
        assert_eq!(multipart.next().await.unwrap().unwrap(), parts()[1].0);
        assert_eq!(multipart.next().await.unwrap(), None);
    }

    #[test]
    fn other_types_are_refused() {
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        for bad in [
            "",
            "image/jpeg",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/mixed; boundary=x",
            &long,
        ] {
            let body = stream::empty::<Result<Bytes, BadBody>>();
            assert_eq!(Multipart::new(bad, body).unwrap_err(), BadBody::NotMultipart, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_header_without_an_end_is_an_error() {
        let body = [b"--xY-z\r\nA: ", &[b'a'; 100_000][..]].concat();
        assert_eq!(read(&body, 1000).await, Err(BadBody::Broken("a part's header is too long")));
    }

    #[test]
    fn names_of_files_are_read_as_browsers_phones_and_libraries_send_them() {
        for (sent, name) in [
            ("filename=\"a b.jpg\"", "a b.jpg"),
            ("filename=a.jpg", "a.jpg"),
            ("filename=\"C:\\dir\\a.jpg\"", "C:\\dir\\a.jpg"),
            ("filename=\"C:\\dir\\\"", "C:\\dir\""),
            ("filename=\"a\\\"b.jpg\"", "a\"b.jpg"),
            ("filename=\"a%22b.jpg\"", "a%22b.jpg"),
            ("filename=\"na\u{ef}ve.jpg\"", "na\u{ef}ve.jpg"),
            ("FileName=\"a.jpg\"", "a.jpg"),
            ("note=\"x; filename=evil.exe \"; filename=\"a.jpg\"", "a.jpg"),
            ("filename=\"?\"; filename*=UTF-8''na%C3%AFve.jpg", "na\u{ef}ve.jpg"),
            ("filename*=utf-8'en'a%20b.jpg; filename=\"c.jpg\"", "a b.jpg"),
            ("filename*=UTF-8''a%2; filename=\"c.jpg\"", "c.jpg"),
            ("filename*=UTF-8''%FF; filename=\"c.jpg\"", "c.jpg"),
            ("filename*=EUC-JP''a.jpg; filename=\"c.jpg\"", "c.jpg"),
        ] {
            let header = format!("Content-Disposition: form-data; name=\"image\"; {sent}\r\n\r\n");
            let read = part(header.as_bytes()).unwrap();
            assert_eq!((&*read.name, read.file_name.as_deref()), ("image", Some(name)), "{sent}");
        }
    }

    #[tokio::test]
    async fn a_boundary_has_70_characters_at_most() {
        for (length, good) in [(1, true), (70, true), (71, false)] {
            let boundary = "b".repeat(length);
            let body = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--{boundary}--"
            );
            let body = stream::iter([Ok::<_, BadBody>(Bytes::from(body))]);
            let content_type = format!("multipart/form-data; boundary={boundary}");
            let Ok(mut multipart) = Multipart::new(&content_type, body) else {
                assert!(!good, "{length}");
                continue;
            };
            assert_eq!(multipart.next().await.unwrap().unwrap().name, "a");
            assert_eq!(multipart.data().await.unwrap().unwrap(), "x");
            assert_eq!(multipart.next().await.unwrap(), None);
            assert!(good, "{length}");
        }
    }

    /// The output of a future, for tests that are not asynchronous.
    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(future)
    }

    proptest! {
        /// Parts are found wherever pieces end, even within a boundary, and whatever their data looks
        /// like.
        #[test]
        fn parts_are_found_wherever_pieces_end(
            datas in proptest::collection::vec("(\r|\n|-|x|xY-z|\r\n--|\r\n--xY-|\r\n--xY-Z|.){0,12}", 0..5),
            ends in proptest::collection::vec(1..40_usize, 1..30),
        ) {
            let delimiter = "\r\n--xY-z";
            let datas: Vec<String> =
                datas.into_iter().filter(|data| !format!("\r\n{data}").contains(delimiter)).collect();
            let mut body = String::new();
            for (n, data) in datas.iter().enumerate() {
                body.push_str(&format!("--xY-z\r\nContent-Disposition: form-data; name=\"n{n}\"\r\n\r\n{data}\r\n"));
            }
            body.push_str("--xY-z--");
            let (mut rest, mut pieces) = (Bytes::from(body), Vec::new());
            for length in ends.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                pieces.push(rest.split_to(rest.len().min(*length)));
            }
            let named = |n: usize| Part { name: format!("n{n}"), file_name: None };
            let expected: Parts =
                datas.into_iter().enumerate().map(|(n, data)| (named(n), data.into())).collect();
            prop_assert_eq!(wait(read_pieces(pieces.clone())), Ok(expected));
            // A body without its end never counts as whole.
            pieces.pop();
            prop_assert!(wait(read_pieces(pieces)).is_err());
        }

        #[test]
        fn no_bytes_are_too_much(
            bytes: Vec<u8>, header in ".{0,200}", content_type in "multipart/form-data; .{0,80}",
        ) {
            let _ = (part(&bytes), part(header.as_bytes()), extended(&header));
            let _ = Multipart::new(&content_type, stream::empty::<Result<Bytes, BadBody>>());
            let _ = wait(read_pieces(vec![Bytes::from_static(b"--xY-z\r\n"), bytes.into()]));
        }
    }

    #[tokio::test]
    async fn any_change_of_a_body_is_survived() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..5000 {
            let mut body = BODY.to_vec();
            for _ in 0..random.usize(1..5) {
                let at = random.usize(..body.len());
                body[at] = *random.choice(b"\r\n-xYz\";=\\ \0\xff").unwrap();
            }
            let piece = random.usize(1..50);
            assert_eq!(read(&body, piece).await, read(&body, body.len()).await);
        }
    }
}
