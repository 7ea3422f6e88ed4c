//! The first page, while the folder has none of its own.

use std::path::{Path, PathBuf};

use reach::Code;
use warp::http::header::{ACCEPT_LANGUAGE, HeaderMap};

const PAGE: &str = include_str!("start.html");

/// What the first page says.
#[derive(Debug)]
pub(crate) struct Start {
    /// By which address pages come in, without the scheme.
    pub address: String,
    /// The same by HTTPS.
    pub secure: Option<String>,
    /// Whether others can.
    pub is_open: bool,
    pub folder: Option<PathBuf>,
    /// Where the chat of TCP is: host and port.
    pub chat: String,
    pub keeps: bool,
}

/// The words of one language. `{}` stands for what is named beside it.
struct Words {
    lang: &'static str,
    title: &'static str,
    room: &'static str,
    machine: &'static str,
    /// The folder's name.
    empty: &'static str,
    /// The folder's name.
    without: &'static str,
    none: &'static str,
    starters: [(&'static str, &'static str, &'static str, &'static str); 4],
    copy: &'static str,
    copied: &'static str,
    /// Host and port.
    chat: &'static str,
    /// The projector's page.
    seen: &'static str,
    kept: &'static str,
    not_kept: &'static str,
    lesson: &'static str,
    /// The address by HTTPS.
    secure: &'static str,
}

const SPANISH: Words = Words {
    lang: "es",
    title: "Clase",
    room: "Aquí va tu página. Desde esta sala se entra por",
    machine: "Aquí va tu página. Desde este equipo se entra por",
    empty: "La carpeta {} está vacía. Guarda en ella un index.html o copia uno de estos cuatro: \
            menos de 100 líneas cada uno, comentadas.",
    without: "La carpeta {} no tiene index.html. Guárdalo en ella o copia uno de estos cuatro en \
              otra carpeta: menos de 100 líneas cada uno, comentadas.",
    none: "Aún no hay carpeta. Copia uno de estos cuatro, de menos de 100 líneas cada uno, \
           comentadas, y empieza otra vez con <code>vitrina class clase</code>.",
    starters: [
        (
            "photos",
            "000, WebSocket",
            "Fotos",
            "Haz una foto y aparece en todas las pantallas de la sala.",
        ),
        (
            "upload",
            "001, Socket.IO",
            "Subir imágenes",
            "Un formulario, y lo que subes lo ven todos al momento.",
        ),
        (
            "conference",
            "002, píxeles en JSON",
            "Videoconferencia",
            "Cada píxel viaja como número. Mira cuánto pesa, y por qué.",
        ),
        (
            "chat",
            "003, TCP",
            "Chat",
            "Un programa de Python y un puerto: lo que escribes lo leen todos.",
        ),
    ],
    copy: "Copiar",
    copied: "Copiado",
    chat: "Chat por TCP: <code>{}</code>.",
    seen: "Lo que pasa por aquí se ve en <code>{}/class</code>.",
    kept: "Las imágenes que pasan por aquí quedan también entre las fotos de la casa.",
    not_kept: "Las imágenes que pasan por aquí no se guardan.",
    lesson: "La misma imagen enviada de tres maneras: <a href=\"/lesson\">/lesson</a>.",
    secure: "Con HTTPS, para cámaras de otros equipos y editores de la web: \
             <a href=\"https://{}\">https://{}</a>. El navegador avisa una vez: pulsa en \
             Configuración avanzada y Continuar.",
};

const ENGLISH: Words = Words {
    lang: "en",
    title: "Class",
    room: "Your page goes here. From this room it is at",
    machine: "Your page goes here. On this machine it is at",
    empty: "The folder {} is empty. Save an index.html in it, or copy one of these four: under 100 \
            lines each, with comments.",
    without: "The folder {} has no index.html. Save one in it, or copy one of these four into \
              another folder: under 100 lines each, with comments.",
    none: "There is no folder yet. Copy one of these four, under 100 lines each, with comments, and \
           start again with <code>vitrina class clase</code>.",
    starters: [
        (
            "photos",
            "000, WebSocket",
            "Photos",
            "Take a photo, and it appears on every screen in the room.",
        ),
        (
            "upload",
            "001, Socket.IO",
            "Upload",
            "A form, and what you upload everybody sees at once.",
        ),
        (
            "conference",
            "002, pixels as JSON",
            "Video conference",
            "Each pixel travels as a number. See how much that weighs, and why.",
        ),
        ("chat", "003, TCP", "Chat", "A Python program and a port: what you write, all read."),
    ],
    copy: "Copy",
    copied: "Copied",
    chat: "Chat over TCP: <code>{}</code>.",
    seen: "What passes here is seen at <code>{}/class</code>.",
    kept: "Pictures that pass here are also kept among the photos of the house.",
    not_kept: "Pictures that pass here are not kept.",
    lesson: "The same picture sent in three ways: <a href=\"/lesson\">/lesson</a>.",
    secure: "By HTTPS, for cameras of other machines and for web editors: \
             <a href=\"https://{}\">https://{}</a>. The browser warns once: choose Advanced, then \
             Proceed.",
};

impl Start {
    /// The page in the language that the browser prefers, of the two that there are.
    pub fn page(&self, headers: &HeaderMap) -> String {
        let words = match prefers_english(headers) {
            true => &ENGLISH,
            false => &SPANISH,
        };
        let name = |path: &Path| {
            let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            let name = path.file_name().unwrap_or(path.as_os_str());
            format!("<b>{}</b>", escaped(&name.to_string_lossy()))
        };
        let folder = match &self.folder {
            None => words.none.to_owned(),
            Some(path) if is_empty(path) => words.empty.replace("{}", &name(path)),
            Some(path) => words.without.replace("{}", &name(path)),
        };
        let typed = self.folder.as_deref().filter(|path| is_empty(path));
        let typed = typed.map_or("clase".into(), Path::to_string_lossy);
        let starters: String = words
            .starters
            .iter()
            .map(|(kind, number, title, what)| {
                let (folder, copy) = (escaped(&typed), words.copy);
                format!(
                    "<li><span class=\"nr\">{number}</span><h2>{title}</h2><p>{what}</p>\
                     <code>vitrina class --new {kind} {folder}</code><button>{copy}</button></li>\n"
                )
            })
            .collect();
        let chat = words.chat.replace("{}", &escaped(&self.chat));
        let seen = words.seen.replace("{}", &escaped(&self.address));
        let kept = if self.keeps { words.kept } else { words.not_kept };
        let secure = self.secure.as_deref().map(|address| words.secure.replace("{}", address));
        let secure = secure.unwrap_or_default();
        let here = if self.is_open { words.room } else { words.machine };
        let code = Code::of(&format!("http://{}", self.address)).filter(|_| self.is_open);
        let code = code.as_ref().map(Code::svg).unwrap_or_default();
        let parts = [
            ("{lang}", words.lang),
            ("{title}", words.title),
            ("{here}", here),
            ("{address}", &escaped(&self.address)),
            ("{code}", &code),
            ("{copied}", words.copied),
            ("{copy}", words.copy),
            ("{foot}", &format!("{chat} {seen} {kept} {} {secure}", words.lesson)),
            ("{starters}", &starters),
            ("{folder}", &folder),
        ];
        parts.iter().fold(PAGE.to_owned(), |page, (place, text)| page.replace(place, text))
    }
}

/// Whether a reader would rather have English than Spanish.
pub(crate) fn prefers_english(headers: &HeaderMap) -> bool {
    let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    speaks_english(wanted.unwrap_or_default())
}

/// Whether English comes before Spanish in `Accept-Language`, whose order is nearly always that of
/// preference.
fn speaks_english(wanted: &str) -> bool {
    let mut languages = wanted.split(',').map(|one| one.trim().to_ascii_lowercase());
    languages
        .find(|one| one.starts_with("es") || one.starts_with("en"))
        .map_or(!wanted.is_empty(), |one| one.starts_with("en"))
}

/// Whether nothing visible is in a folder.
fn is_empty(folder: &Path) -> bool {
    let Ok(mut entries) = folder.read_dir() else { return false };
    !entries.any(|entry| {
        entry.is_ok_and(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
    })
}

/// A text within HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(folder: Option<&Path>, language: &str) -> String {
        let start = Start {
            address: "192.168.1.20:3000".to_owned(),
            secure: Some("192.168.1.20:3443".to_owned()),
            is_open: true,
            folder: folder.map(Path::to_owned),
            chat: "192.168.1.20 8000".to_owned(),
            keeps: true,
        };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, language.parse().unwrap());
        start.page(&headers)
    }

    #[test]
    fn it_speaks_spanish_and_english_and_leaves_no_place_empty() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("<clase>");
        std::fs::create_dir(&folder).unwrap();
        let spanish = page(Some(&folder), "es-CL,es;q=0.9,en;q=0.8");
        assert!(spanish.contains("La carpeta <b>&lt;clase&gt;</b> está vacía"), "{spanish}");
        std::fs::write(folder.join("a.html"), "").unwrap();
        let english = page(Some(&folder), "de,en;q=0.8,es;q=0.5");
        assert!(english.contains("has no index.html"), "{english}");
        assert!(english.contains("vitrina class --new chat clase"));
        assert!(page(None, "").contains("Aún no hay carpeta"));
        for page in [spanish, english, page(None, "fr")] {
            assert!(page.contains("192.168.1.20:3000/class") && page.contains("192.168.1.20 8000"));
            assert!(page.contains("href=\"https://192.168.1.20:3443\""));
            assert!(page.contains("><svg"), "{page}");
            let script = page.find("<script>").unwrap();
            let style = page.find("</style>").unwrap();
            assert!(!page[style..script].contains('{'), "{page}");
        }
    }

    #[test]
    fn the_first_of_the_two_languages_counts() {
        for (wanted, english) in
            [("", false), ("es", false), ("en-GB", true), ("ca,es,en", false), ("fr", true)]
        {
            assert_eq!(speaks_english(wanted), english, "{wanted}");
        }
    }
}
