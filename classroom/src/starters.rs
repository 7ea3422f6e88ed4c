//! Pages and programs to begin with: `vitrina class --new`.

use std::fs::{OpenOptions, create_dir_all};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starter {
    /// Photos over a WebSocket, with p5.js.
    Photos,
    /// A form, and Socket.IO.
    Upload,
    /// A video conference of pixels as JSON.
    Conference,
    /// A client of the chat over TCP, in Python.
    Chat,
}

/// In which language a starter speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Spanish.
    Spanish,
    /// English.
    English,
}

impl Language {
    /// That of a locale such as `es_CL.UTF-8`; without one, Spanish.
    pub fn of(locale: &str) -> Language {
        let is_set = !matches!(locale, "" | "C" | "POSIX") && !locale.starts_with("C.");
        match is_set && !locale.starts_with("es") {
            true => Language::English,
            false => Language::Spanish,
        }
    }
}

type Files = &'static [(&'static str, &'static str)];

impl Starter {
    fn files(self, language: Language) -> Files {
        use Language::{English, Spanish};
        match (self, language) {
            (Starter::Photos, Spanish) => &[
                ("index.html", include_str!("../starters/es/photos/index.html")),
                ("sketch.js", include_str!("../starters/es/photos/sketch.js")),
            ],
            (Starter::Photos, English) => &[
                ("index.html", include_str!("../starters/en/photos/index.html")),
                ("sketch.js", include_str!("../starters/en/photos/sketch.js")),
            ],
            (Starter::Upload, Spanish) => {
                &[("index.html", include_str!("../starters/es/upload/index.html"))]
            }
            (Starter::Upload, English) => {
                &[("index.html", include_str!("../starters/en/upload/index.html"))]
            }
            (Starter::Conference, Spanish) => {
                &[("index.html", include_str!("../starters/es/conference/index.html"))]
            }
            (Starter::Conference, English) => {
                &[("index.html", include_str!("../starters/en/conference/index.html"))]
            }
            (Starter::Chat, Spanish) => {
                &[("cliente.py", include_str!("../starters/es/chat/cliente.py"))]
            }
            (Starter::Chat, English) => {
                &[("client.py", include_str!("../starters/en/chat/client.py"))]
            }
        }
    }

    /// Writes its files into a folder, which is made if missing, and returns their paths.
    ///
    /// # Errors
    /// The folder cannot be written, or one of the files is there already; then none is written.
    pub fn write(self, language: Language, folder: &Path) -> io::Result<Vec<PathBuf>> {
        create_dir_all(folder)?;
        let files = self.files(language);
        let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
        if let Some(path) = paths.iter().find(|path| path.symlink_metadata().is_ok()) {
            let why = format!("{} is there already; name another folder", path.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
        }
        for (path, (_, content)) in paths.iter().zip(files) {
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
            file.write_all(content.as_bytes())?;
        }
        Ok(paths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_short_and_loads_nothing_from_elsewhere_and_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for starter in [Starter::Photos, Starter::Upload, Starter::Conference, Starter::Chat] {
            for language in [Language::Spanish, Language::English] {
                let place = folder.path().join(format!("{starter:?}/{language:?}"));
                for path in starter.write(language, &place).unwrap() {
                    let text = std::fs::read_to_string(&path).unwrap();
                    assert!(text.lines().count() < 100, "{path:?}");
                    assert!(!text.contains("src=\"http") && !text.contains("://cdn"), "{path:?}");
                }
                let again = starter.write(language, &place).unwrap_err();
                assert!(again.to_string().contains("already"), "{again}");
            }
        }
    }

    #[test]
    fn the_locale_says_the_language() {
        for (locale, language) in [
            ("es_CL.UTF-8", Language::Spanish),
            ("en_GB.UTF-8", Language::English),
            ("de_DE.UTF-8", Language::English),
            ("C.UTF-8", Language::Spanish),
            ("", Language::Spanish),
        ] {
            assert_eq!(Language::of(locale), language, "{locale}");
        }
    }
}
