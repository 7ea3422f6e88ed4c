//! Which properties of an XMP packet are kept: dates, a rating, and how to show a panorama. They go
//! into a new packet, whose values have no room for a place.

use std::fmt::Write;

use crate::photos::picture::metadata::{parse_date, xmp::property};

/// The allowed form of a value.
#[derive(Debug, Clone, Copy)]
enum Is {
    Date,
    Word,
}

const KEPT: &[(&str, &str, Is, &[&str])] = &[
    ("xmp", "http://ns.adobe.com/xap/1.0/", Is::Date, &["CreateDate", "ModifyDate"]),
    ("xmp", "http://ns.adobe.com/xap/1.0/", Is::Word, &["Rating"]),
    ("photoshop", "http://ns.adobe.com/photoshop/1.0/", Is::Date, &["DateCreated"]),
    ("exif", "http://ns.adobe.com/exif/1.0/", Is::Date, &["DateTimeOriginal", "DateTimeDigitized"]),
    (
        "GPano",
        "http://ns.google.com/photos/1.0/panorama/",
        Is::Word,
        &[
            "ProjectionType",
            "UsePanoramaViewer",
            "FullPanoWidthPixels",
            "FullPanoHeightPixels",
            "CroppedAreaImageWidthPixels",
            "CroppedAreaImageHeightPixels",
            "CroppedAreaLeftPixels",
            "CroppedAreaTopPixels",
        ],
    ),
];

/// The longest word, such as `equirectangular`.
const WORD: usize = 20;

/// A film behind the picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Film {
    pub length: usize,
}

/// A packet with the kept properties; `None` if there are none. It announces a film with the
/// properties of Android's Motion Photo 1.0 and of its predecessor.
pub(super) fn clean(text: &[u8], film: Option<Film>) -> Option<Vec<u8>> {
    let mut attributes = String::new();
    let mut spaces: Vec<&str> = Vec::new();
    for (prefix, space, is, names) in KEPT {
        for name in *names {
            let name = format!("{prefix}:{name}");
            let Some(value) = property(text, &name).filter(|value| is.met_by(value)) else {
                continue;
            };
            if !spaces.contains(prefix) {
                spaces.push(prefix);
                let _ = write!(attributes, " xmlns:{prefix}=\"{space}\"");
            }
            let _ = write!(attributes, " {name}=\"{value}\"");
        }
    }
    let mut contents = String::new();
    if let Some(Film { length }) = film {
        let names = [
            "GCamera:MotionPhotoPresentationTimestampUs",
            "Camera:MotionPhotoPresentationTimestampUs",
            "GCamera:MicroVideoPresentationTimestampUs",
        ];
        let still = names.iter().find_map(|name| property(text, name)?.parse::<i64>().ok());
        let still = still.unwrap_or(-1);
        let _ = write!(
            attributes,
            " xmlns:GCamera=\"http://ns.google.com/photos/1.0/camera/\" GCamera:MotionPhoto=\"1\" \
             GCamera:MotionPhotoVersion=\"1\" GCamera:MotionPhotoPresentationTimestampUs=\"{still}\" \
             GCamera:MicroVideo=\"1\" GCamera:MicroVideoVersion=\"1\" \
             GCamera:MicroVideoOffset=\"{length}\" \
             GCamera:MicroVideoPresentationTimestampUs=\"{still}\" \
             xmlns:Container=\"http://ns.google.com/photos/1.0/container/\" \
             xmlns:Item=\"http://ns.google.com/photos/1.0/container/item/\""
        );
        let item = |mime: &str, semantic: &str, length: usize| {
            format!(
                "<rdf:li rdf:parseType=\"Resource\"><Container:Item Item:Mime=\"{mime}\" \
                 Item:Semantic=\"{semantic}\" Item:Length=\"{length}\" Item:Padding=\"0\"/></rdf:li>"
            )
        };
        contents = format!(
            "<Container:Directory><rdf:Seq>{}{}</rdf:Seq></Container:Directory>",
            item("image/jpeg", "Primary", 0),
            item("video/mp4", "MotionPhoto", length),
        );
    }
    if attributes.is_empty() {
        return None;
    }
    let packet = format!(
        "<?xpacket begin=\"\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\"{attributes}>{contents}</rdf:Description>\
         </rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>"
    );
    Some(packet.into())
}

impl Is {
    fn met_by(self, value: &str) -> bool {
        let each =
            |also: &[u8]| value.bytes().all(|byte| byte.is_ascii_digit() || also.contains(&byte));
        match self {
            Is::Date => each(b":.-+TZ ") && parse_date(value.as_bytes()).is_some(),
            Is::Word => {
                value.len() <= WORD
                    && (each(b".-") || value.bytes().all(|byte| byte.is_ascii_alphabetic()))
            }
        }
    }
}
