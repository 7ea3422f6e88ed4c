//! The files of a folder, and nothing outside it.
//!
//! The kernel keeps a path below the folder, also through symbolic links (`openat2`,
//! `RESOLVE_BENEATH`), so no file is opened that was checked under another name. No crate that
//! serves files does so and refuses hidden files: `docs/decisions/class.md`.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::UNIX_EPOCH;

use percent_encoding::percent_decode_str;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

/// What is opened: nothing waits for the writer of a pipe.
const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

const INDEX: &str = "index.html";

/// A folder that is served.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Found {
    File(Opened),
    /// A folder whose path lacks the slash at its end.
    Folder,
    /// Nothing, or nothing that is served.
    Nothing,
}

/// A file that is open.
#[derive(Debug)]
pub(crate) struct Opened {
    pub file: File,
    pub length: u64,
    /// The time of its last change, in nanoseconds since 1970, and its size, hexadecimal and in
    /// quotation marks. The script of `--live` reads the time.
    pub etag: String,
    /// Its media type, as its name says.
    pub media: String,
}

impl Folder {
    /// Opens the folder, which stays the same even if it is renamed.
    ///
    /// # Errors
    /// It is no folder, or cannot be read.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let folder = openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Folder(folder))
    }

    /// What is at the path of a URL, which begins with a slash; for a folder, its `index.html`. May
    /// wait for the disk.
    pub fn find(&self, path: &str) -> Found {
        let Some(path) = inside(path) else { return Found::Nothing };
        let found = self.look(if path.is_empty() { INDEX } else { &path });
        match found {
            Ok(Some(opened)) => Found::File(opened),
            Ok(None) if path.ends_with('/') => match self.look(&format!("{path}{INDEX}")) {
                Ok(Some(opened)) => Found::File(opened),
                _ => Found::Nothing,
            },
            Ok(None) if !path.is_empty() => Found::Folder,
            _ => Found::Nothing,
        }
    }

    /// A file below the folder, or `None` if it is a folder.
    fn look(&self, path: &str) -> io::Result<Option<Opened>> {
        let file = File::from(self.beneath(path)?);
        let facts = file.metadata()?;
        if facts.is_dir() {
            return Ok(None);
        }
        if !facts.is_file() || path.ends_with('/') {
            return Err(io::ErrorKind::NotFound.into());
        }
        let changed = facts.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let length = facts.len();
        let etag = format!("\"{:x}-{length:x}\"", changed.as_nanos());
        Ok(Some(Opened { file, length, etag, media: media(path) }))
    }

    fn beneath(&self, path: &str) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        match openat2(&self.0, path, READ, Mode::empty(), resolve) {
            // Some containers know no openat2.
            Err(Errno::NOSYS | Errno::PERM) => self.step_by_step(path),
            opened => Ok(opened?),
        }
    }

    /// The same without any symbolic link.
    fn step_by_step(&self, path: &str) -> io::Result<OwnedFd> {
        let mut at = self.0.try_clone()?;
        for step in path.split('/').filter(|step| !step.is_empty()) {
            at = openat(&at, step, READ | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Ok(at)
    }
}

/// The path below the folder that a URL's path names; none if it names a hidden file, or another
/// place.
fn inside(path: &str) -> Option<String> {
    let path = percent_decode_str(path.strip_prefix('/')?).decode_utf8().ok()?;
    let mut steps = path.split('/').peekable();
    while let Some(step) = steps.next() {
        let is_last = steps.peek().is_none();
        if step.starts_with('.') || step.contains(['\0', '\\']) || step.is_empty() && !is_last {
            return None;
        }
    }
    Some(path.into_owned())
}

/// The media type that a name says.
pub(crate) fn media(path: &str) -> String {
    let media = mime_guess::from_path(path).first_or_octet_stream();
    match (media.type_().as_str(), media.subtype().as_str()) {
        // RFC 9239 left the other names behind.
        (_, "javascript") => "text/javascript; charset=utf-8".to_owned(),
        ("text", _) => format!("{media}; charset=utf-8"),
        _ => media.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    fn read(folder: &Folder, path: &str) -> Option<String> {
        match folder.find(path) {
            Found::File(mut opened) => {
                let mut text = String::new();
                opened.file.read_to_string(&mut text).unwrap();
                Some(text)
            }
            Found::Folder => Some("→".to_owned()),
            Found::Nothing => None,
        }
    }

    #[test]
    fn what_is_in_the_folder_is_served_and_nothing_else() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("public");
        fs::create_dir_all(root.join("a/.git")).unwrap();
        fs::create_dir(root.join("empty")).unwrap();
        for (path, text) in [
            ("public/index.html", "home"),
            ("public/mañana é.js", "code"),
            ("public/a/index.html", "inner"),
            ("public/.env", "secret"),
            ("public/a/.git/config", "secret"),
            ("secret", "secret"),
        ] {
            fs::write(outer.path().join(path), text).unwrap();
        }
        symlink("../secret", root.join("out")).unwrap();
        symlink(outer.path().join("secret"), root.join("absolute")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink("/proc/self/root", root.join("magic")).unwrap();
        symlink("a/index.html", root.join("in.html")).unwrap();
        rustix::fs::mkfifoat(CWD, root.join("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
        let folder = Folder::open(&root).unwrap();
        for (path, text) in [
            ("/", Some("home")),
            ("/index.html", Some("home")),
            ("/ma%C3%B1ana%20%C3%A9.js", Some("code")),
            ("/a/", Some("inner")),
            ("/a", Some("→")),
            ("/in.html", Some("inner")),
            ("/empty/", None),
            ("/index.html/", None),
            ("/nothing", None),
            ("/../secret", None),
            ("/%2e%2e/secret", None),
            ("/a/..%2f..%2fsecret", None),
            ("/a/%5c..%5csecret", None),
            ("//secret", None),
            ("/a//index.html", None),
            ("/a/%00", None),
            ("/%ff", None),
            ("/.env", None),
            ("/%2eenv", None),
            ("/a/.git/config", None),
            ("/out", None),
            ("/absolute", None),
            ("/up/secret", None),
            ("/magic/etc/passwd", None),
            ("/pipe", None),
        ] {
            assert_eq!(read(&folder, path).as_deref(), text, "{path}");
        }
        let stepped = |path| folder.step_by_step(path).is_ok();
        assert!(stepped("a/index.html") && stepped("index.html"));
        assert!(!stepped("in.html") && !stepped("up/secret") && !stepped("out"));
    }

    #[test]
    fn another_content_has_another_tag_and_the_name_says_the_type() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        fs::write(root.path().join("sketch.js"), "a").unwrap();
        let opened = |path: &str| match folder.find(path) {
            Found::File(opened) => opened,
            other => panic!("{other:?}"),
        };
        let first = opened("/sketch.js");
        assert_eq!(first.media, "text/javascript; charset=utf-8");
        fs::write(root.path().join("sketch.js"), "ab").unwrap();
        assert_ne!(opened("/sketch.js").etag, first.etag);
        for (name, media) in [
            ("a.html", "text/html; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.jpg", "image/jpeg"),
            ("a.wasm", "application/wasm"),
            ("a.svg", "image/svg+xml"),
            ("a.json", "application/json"),
            ("a", "application/octet-stream"),
        ] {
            assert_eq!(super::media(name), media);
        }
    }
}
