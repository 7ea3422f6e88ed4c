//! Pictures that other programs fill with places, and what exiftool finds in the gallery's copy:
//! when, with what, and not where.

use std::path::{Path, PathBuf};
use std::process::Command;

use image::ImageFormat;
use tempfile::TempDir;

use crate::client::{get, stored, upload};
use crate::house::House;
use crate::samples;

/// The words and coordinates of all written places.
const TOLD: [&str; 8] =
    ["Villaverde", "40.34", "3.70", "Wonderland", "Farfaraway", "Nowhere", "ZZZ", "40,20"];

/// Groups and names of tags that reveal a place.
const NAMES: [&str; 9] =
    ["gps", "location", "city", "country", "province", "state", "latitude", "longitude", "comment"];

/// A place in each form that exiftool writes into EXIF.
const EXIF: [&str; 12] = [
    "-EXIF:GPSLatitude=40.3456",
    "-EXIF:GPSLatitudeRef=N",
    "-EXIF:GPSLongitude=3.7039",
    "-EXIF:GPSLongitudeRef=W",
    "-EXIF:GPSAltitude=667",
    "-EXIF:GPSAreaInformation=Villaverde",
    "-EXIF:GPSDateStamp=2024:06:01",
    "-EXIF:UserComment=Villaverde",
    "-EXIF:ImageDescription=Villaverde",
    "-EXIF:XPComment=Villaverde",
    "-EXIF:XPKeywords=Villaverde",
    "-EXIF:OwnerName=Villaverde",
];

/// The same for XMP.
const XMP: [&str; 17] = [
    "-XMP-exif:GPSLatitude=40.3456",
    "-XMP-exif:GPSLongitude=-3.7039",
    "-XMP-photoshop:City=Villaverde",
    "-XMP-photoshop:State=Nowhere",
    "-XMP-photoshop:Country=Wonderland",
    "-XMP-iptcCore:Location=Farfaraway",
    "-XMP-iptcCore:CountryCode=ZZZ",
    "-XMP-iptcExt:LocationCreatedCity=Villaverde",
    "-XMP-iptcExt:LocationCreatedGPSLatitude=40.3456",
    "-XMP-iptcExt:LocationShownCity=Villaverde",
    "-XMP-iptcExt:LocationShownSublocation=Farfaraway",
    "-XMP-dc:Description=Villaverde",
    "-XMP-dc:Subject=Villaverde",
    "-XMP-lr:HierarchicalSubject=Places|Villaverde",
    "-XMP-xmpMM:History={Action=saved,Parameters=Villaverde}",
    "-XMP-GCamera:HdrPlusMakernote=Villaverde",
    "-XMP-mwg-rs:RegionName=Villaverde",
];

/// The same for IPTC's older form, in Photoshop's blocks.
const IPTC: [&str; 9] = [
    "-IPTC:City=Villaverde",
    "-IPTC:Sub-location=Farfaraway",
    "-IPTC:Province-State=Nowhere",
    "-IPTC:Country-PrimaryLocationName=Wonderland",
    "-IPTC:Country-PrimaryLocationCode=ZZZ",
    "-IPTC:ContentLocationName=Farfaraway",
    "-IPTC:ContentLocationCode=ZZZ",
    "-IPTC:Keywords=Villaverde",
    "-IPTC:Caption-Abstract=Villaverde",
];

const FACTS: [&str; 5] = [
    "-EXIF:DateTimeOriginal=2024:06:01 12:34:56",
    "-EXIF:OffsetTimeOriginal=+02:00",
    "-EXIF:Make=Vitra",
    "-EXIF:LensModel=Vitra 35mm",
    "-EXIF:Orientation#=6",
];

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The folder for a test's pictures.
struct Studio(TempDir);

impl Studio {
    fn open() -> Self {
        Studio(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// A picture into which exiftool writes all of this.
    fn told(&self, format: ImageFormat, lists: &[&[&str]]) -> Vec<u8> {
        let picture = samples::picture(format, 60, 40, 0);
        let name = format!("told.{}", format.extensions_str()[0]);
        self.written(&self.write(&name, &picture), lists)
    }

    fn written(&self, path: &Path, lists: &[&[&str]]) -> Vec<u8> {
        let mut arguments = vec!["-overwrite_original", "-codedcharacterset=utf8"];
        arguments.extend(lists.concat());
        arguments.push(path.to_str().unwrap());
        run("exiftool", &arguments);
        std::fs::read(path).unwrap()
    }

    /// All that exiftool finds in a picture.
    fn found(&self, picture: &[u8]) -> Vec<String> {
        let path = self.write("found", picture);
        let found =
            run("exiftool", &["-a", "-G1", "-s", "-ee", "-u", "-U", path.to_str().unwrap()]);
        // The file itself has names and folders.
        let is_told =
            |line: &&str| !line.starts_with("[System]") && !line.starts_with("[ExifTool]");
        found.lines().filter(is_told).map(str::to_owned).collect()
    }
}

fn pixels(picture: &[u8]) -> image::DynamicImage {
    image::load_from_memory(picture).unwrap()
}

/// Uploads a picture; the gallery's copy reveals no place, and shows the same. Returns what
/// exiftool still finds.
async fn given_back(house: &House, studio: &Studio, name: &str, picture: &[u8]) -> Vec<String> {
    let (found, _) = given_back_with_bytes(house, studio, name, picture).await;
    found
}

async fn given_back_with_bytes(
    house: &House,
    studio: &Studio,
    name: &str,
    picture: &[u8],
) -> (Vec<String>, Vec<u8>) {
    let before = studio.found(picture).join("\n").to_lowercase();
    assert!(
        TOLD.iter().any(|told| before.contains(&told.to_lowercase())) || name.starts_with("hidden"),
        "{name} tells nothing: {before}"
    );
    // Without their places some pictures are identical.
    let answer = upload(house, name, picture).await;
    assert!(matches!(answer.status, 200 | 201), "{name}: {}", answer.status);
    let id = answer.json()[0]["id"].as_str().unwrap().to_owned();
    let (status, _, body) = get(house, &format!("/photos/{id}")).await;
    assert_eq!(status, 200);
    let found = studio.found(&body);
    tell_no_place(name, &found);
    for told in TOLD {
        let wide: Vec<u8> = told.bytes().flat_map(|byte| [byte, 0]).collect();
        let hex: String = told.bytes().map(|byte| format!("{byte:02x}")).collect();
        // Compressed pixels may contain any three letters.
        for form in [told.as_bytes(), &wide, hex.as_bytes()].iter().filter(|form| form.len() > 5) {
            assert!(!body.windows(form.len()).any(|window| window == *form), "{name}: {told}");
        }
    }
    assert_eq!(pixels(&body), pixels(picture), "{name}");
    let (_, _, thumb) = get(house, &format!("/photos/{id}/thumb")).await;
    assert!(pixels(&thumb).width() > 0);
    (found, body)
}

fn tell_no_place(name: &str, found: &[String]) {
    for line in found {
        let (tag, value) = line.split_once(": ").unwrap_or((line, ""));
        let tag = tag.to_lowercase();
        let is_place = NAMES.iter().any(|name| tag.contains(name));
        assert!(!is_place, "{name}: {line}");
        assert!(!TOLD.iter().any(|told| value.contains(told)), "{name}: {line}");
    }
}

fn says(found: &[String], tag: &str, value: &str) {
    let is_it = |line: &&String| line.contains(tag) && line.ends_with(&format!(": {value}"));
    assert!(found.iter().find(is_it).is_some(), "no {tag} {value} in {found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exiftool_finds_no_place_in_any_kind_of_picture() {
    let (house, studio) = (House::open().await, Studio::open());
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let iptc: &[&str] = if format == ImageFormat::WebP { &[] } else { &IPTC };
        let comment: &[&str] = if format == ImageFormat::Jpeg {
            &["-Comment=Villaverde", "-AFCP:all<IPTC:all"]
        } else {
            &[]
        };
        let lists = [&EXIF[..], &XMP, iptc, &FACTS, comment];
        for lists in [&lists[..], &lists[..1], &lists[1..2], &lists[2..3]] {
            let facts = [lists, &[&FACTS[..]]].concat();
            if lists.concat().is_empty() {
                continue;
            }
            let picture = studio.told(format, &facts);
            let found = given_back(&house, &studio, &format!("{format:?}"), &picture).await;
            says(&found, "DateTimeOriginal", "2024:06:01 12:34:56");
            says(&found, "OffsetTimeOriginal", "+02:00");
            says(&found, "Orientation", "Rotate 90 CW");
            says(&found, "LensModel", "Vitra 35mm");
        }
    }
    let dated = ["-XMP-xmp:CreateDate=2024:06:01 12:34:56+02:00", "-Comment=Villaverde"];
    let gif = studio.told(ImageFormat::Gif, &[&XMP, &dated]);
    let found = given_back(&house, &studio, "Gif", &gif).await;
    says(&found, "CreateDate", "2024:06:01 12:34:56+02:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_in_a_picture_tells_no_place() {
    let (house, studio) = (House::open().await, Studio::open());
    let told = studio.told(ImageFormat::Jpeg, &[&EXIF, &XMP, &IPTC, &FACTS]);
    // The preview in EXIF, which is a picture with EXIF data.
    studio.write("preview.jpg", &told);
    let preview = format!("-EXIF:ThumbnailImage<={}", studio.path("preview.jpg").display());
    let picture = studio.told(ImageFormat::Jpeg, &[&[&preview], &FACTS]);
    assert!(picture.windows(10).any(|window| window == b"Villaverde"));
    let found = given_back(&house, &studio, "hidden preview", &picture).await;
    says(&found, "DateTimeOriginal", "2024:06:01 12:34:56");
    // Behind each kind of picture.
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let picture = [samples::picture(format, 60, 40, 1), told.clone()].concat();
        given_back(&house, &studio, "hidden behind", &picture).await;
    }
    // EXIF, XMP and IPTC in Photoshop's blocks.
    let (exif, xmp) = (studio.path("told.jpg"), studio.path("a.xmp"));
    run("exiftool", &["-o", xmp.to_str().unwrap(), exif.to_str().unwrap()]);
    let tiff = told.windows(6).position(|window| window == b"Exif\0\0").unwrap() + 6;
    let blocks: Vec<u8> = [
        (0x0422_u16, told[tiff..tiff + 2000.min(told.len() - tiff)].to_vec()),
        (0x0424, std::fs::read(xmp).unwrap()),
    ]
    .into_iter()
    .flat_map(|(id, data)| {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        let filling = &[0][..data.len() % 2];
        [b"8BIM", &id.to_be_bytes()[..], &[0, 0], &length, &data, filling].concat()
    })
    .collect();
    let data = [&b"Photoshop 3.0\0"[..], &blocks].concat();
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    let plain = samples::jpeg(2);
    let picture = [&plain[..2], &[0xff, 0xed], &length, &data, &plain[2..]].concat();
    given_back(&house, &studio, "blocks", &picture).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_imagemagick_tell_no_place() {
    let (house, studio) = (House::open().await, Studio::open());
    let told = studio.told(ImageFormat::Jpeg, &[&EXIF, &XMP, &IPTC, &FACTS]);
    let jpeg = studio.write("told.jpg", &told);
    let png = studio.path("told.png");
    for more in [&[][..], &["-set", "Comment", "Villaverde", "-set", "exif:GPSLatitude", "40.3456"]]
    {
        let arguments = [&[jpeg.to_str().unwrap()], more, &[png.to_str().unwrap()]].concat();
        run("convert", &arguments);
        let picture = std::fs::read(&png).unwrap();
        assert!(picture.windows(16).any(|window| window == b"Raw profile type"));
        let found = given_back(&house, &studio, "of ImageMagick", &picture).await;
        says(&found, "DateTimeOriginal", "2024:06:01 12:34:56");
        says(&found, "LensModel", "Vitra 35mm");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_behind_a_picture_tells_no_place() {
    let (house, studio) = (House::open().await, Studio::open());
    let film = studio.write("a.mp4", &samples::film());
    let places = [
        "-Keys:GPSCoordinates=40.3456, -3.7039, 667",
        "-UserData:GPSCoordinates=40.3456, -3.7039, 667",
        "-UserData:LocationInformation=Villaverde",
        "-ItemList:GPSCoordinates=40.3456, -3.7039, 667",
        "-XMP:City=Villaverde",
    ];
    let film = studio.written(&film, &[&places]);
    let motion = ["-XMP-GCamera:MicroVideo=1", "-XMP-GCamera:MicroVideoPresentationTimestampUs=70"];
    let offset = format!("-XMP-GCamera:MicroVideoOffset={}", film.len());
    let still = studio.told(ImageFormat::Jpeg, &[&motion, &[&offset], &XMP, &FACTS]);
    let picture = [still, film.clone()].concat();
    let (found, body) = given_back_with_bytes(&house, &studio, "film", &picture).await;
    // It still plays, from where the picture says.
    says(&found, "MotionPhotoPresentationTimestampUs", "70");
    says(&found, "DateTimeOriginal", "2024:06:01 12:34:56");
    says(&found, "MicroVideoOffset", &film.len().to_string());
    let found = studio.found(&body[body.len() - film.len()..]);
    tell_no_place("the film", &found);
    says(&found, "CompressorID", "avc1");
    assert!(body.windows(19).any(|window| window == b"one image of a film"));
    let cut = [samples::jpeg(3), film[..film.len() - 100].to_vec()].concat();
    given_back(&house, &studio, "hidden cut film", &cut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_its_place_keeps_every_byte() {
    let house = House::open_with(|section| section.pictures.keep_gps = true).await;
    let studio = Studio::open();
    let told = studio.told(ImageFormat::Jpeg, &[&EXIF, &XMP, &IPTC, &FACTS]);
    let picture = [told, samples::film()].concat();
    let id = stored(&house, "a.jpg", &picture).await;
    assert_eq!(get(&house, &format!("/photos/{id}")).await.2, picture);
}
