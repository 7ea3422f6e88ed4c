//! Files that come with the program, so that a class needs no internet. A folder's own file of the
//! same name goes first.

use std::sync::LazyLock;

/// A file.
#[derive(Debug)]
pub(crate) struct File {
    path: &'static str,
    pub media: &'static str,
    pub bytes: &'static [u8],
}

/// Where Socket.IO's client is, as its own server has it.
pub(crate) const SOCKET_IO: [&str; 2] = ["/socket.io/socket.io.js", "/socket.io/socket.io.min.js"];

const CLIENT: &[u8] = include_bytes!("../lib/socket.io.min.js");
const P5: &[u8] = include_bytes!("../lib/p5.min.js");
/// The page's own face.
const FACE: &[u8] =
    include_bytes!("../../gallery/web/fonts/hanken-grotesk-latin-wght-normal.woff2");

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

static FILES: &[File] = &[
    File { path: SOCKET_IO[0], media: JS, bytes: CLIENT },
    File { path: SOCKET_IO[1], media: JS, bytes: CLIENT },
    File { path: "/p5.min.js", media: JS, bytes: P5 },
    File { path: "/p5.js", media: JS, bytes: P5 },
    File { path: "/.vitrina/live.js", media: JS, bytes: include_bytes!("live.js") },
    File { path: "/.vitrina/class.css", media: CSS, bytes: include_bytes!("projector/page.css") },
    File { path: "/.vitrina/class.js", media: JS, bytes: include_bytes!("projector/page.js") },
    File {
        path: "/.vitrina/class-words.js",
        media: JS,
        bytes: include_bytes!("projector/words.js"),
    },
    File { path: "/.vitrina/face.woff2", media: "font/woff2", bytes: FACE },
];

/// The file at a path.
pub(crate) fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

/// One for all, since they change only with the program.
pub(crate) fn etag() -> &'static str {
    static ETAG: LazyLock<String> = LazyLock::new(|| {
        let bytes: usize = FILES.iter().map(|file| file.bytes.len()).sum();
        format!("\"vitrina-{}-{bytes}\"", env!("CARGO_PKG_VERSION"))
    });
    &ETAG
}
