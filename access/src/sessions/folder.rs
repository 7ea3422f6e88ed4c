//! The file of the sessions, beside that of the users. All reading and writing of it is here.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Key, Session, Sessions};
use crate::users::folder::{make_folder, write_private};

const FILE: &str = "sessions.toml";

/// The file, as written.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    session: Vec<Written>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    token: String,
    #[serde(flatten)]
    session: Session,
}

impl Sessions {
    /// Reads the sessions. Without a file there are none.
    ///
    /// # Errors
    /// The file cannot be read or is not valid; then everybody has to log in again.
    pub fn read(folder: &Path) -> io::Result<Sessions> {
        let text = match std::fs::read_to_string(folder.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
        let file: File = toml::from_str(&text).map_err(|error| bad(error.message()))?;
        let sessions = file.session.into_iter().map(|Written { token, session }| {
            let key = Key::parse(&token).ok_or_else(|| bad("a token's hash is none"))?;
            Ok((key, session))
        });
        Ok(Sessions { all: sessions.collect::<io::Result<_>>()?, is_changed: false })
    }

    /// The sessions as they are written.
    pub fn text(&self) -> String {
        let written = |(key, session): (&Key, &Session)| Written {
            token: key.text(),
            session: session.clone(),
        };
        let mut session: Vec<Written> = self.all.iter().map(written).collect();
        session.sort_by(|a, b| {
            (&a.session.user, a.session.since).cmp(&(&b.session.user, b.session.since))
        });
        toml::to_string(&File { session }).unwrap_or_default()
    }
}

/// Writes sessions, private to the service's user.
///
/// # Errors
/// Those of the file system; the old file is as it was.
pub(crate) fn write(folder: &Path, text: &str) -> io::Result<()> {
    make_folder(folder)?;
    write_private(&folder.join(FILE), text)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::sessions::{Began, Token};

    #[test]
    fn sessions_last_over_a_restart_and_no_token_is_in_the_file() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("broker");
        let mut sessions = Sessions::read(&folder).unwrap();
        let tokens: Vec<Token> = (0..3).map(|_| Token::new().unwrap()).collect();
        for (n, token) in tokens.iter().enumerate() {
            let session = Session {
                user: format!("user-{n}"),
                began: Began::with("$argon2id$hash"),
                next: None,
                secure: n == 1,
                since: 5,
                seen: 7,
                device: "Firefox on \"Linux\"\n".to_owned(),
                address: IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 1_u16]),
            };
            sessions.begin(token, session, 7);
        }
        write(&folder, &sessions.text()).unwrap();
        let read = Sessions::read(&folder).unwrap();
        assert!(read.all == sessions.all);
        let path = folder.join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(path).unwrap();
        for token in &tokens {
            assert!(!text.contains(&token.text()), "{text}");
            assert!(read.get(&Key::of(&token.text()).unwrap(), 7).is_some());
        }
        assert!(!text.contains("argon2"), "{text}");
    }

    #[test]
    fn a_file_of_something_else_is_an_error() {
        let data = tempfile::tempdir().unwrap();
        for text in ["session = 1", "x = 1", "[[session]]\ntoken = 'a'", "\u{0}"] {
            std::fs::write(data.path().join(FILE), text).unwrap();
            assert!(Sessions::read(data.path()).is_err(), "{text}");
        }
    }
}
