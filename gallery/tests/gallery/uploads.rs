//! Uploads: accepted, or refused without a trace.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use exif::{In, Tag};
use image::ImageFormat;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::{Answer, FORM, described, exchange, form, get, send, stored, upload};
use crate::house::{House, soon};
use crate::samples;

/// All files that the store has for photos.
fn files(house: &House) -> BTreeSet<String> {
    fn collect(folder: &Path, files: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else {
                files.insert(path.display().to_string());
            }
        }
    }
    let mut found = BTreeSet::new();
    for folder in ["photos", "thumbs", "trash", "incoming"] {
        let folder = house.data.path().join("gallery").join(folder);
        if folder.exists() {
            collect(&folder, &mut found);
        }
    }
    found
}

/// Checks that an upload was refused with this status, and left nothing behind.
async fn refused(status: u16, answer: Answer, house: &House) {
    let (told, error) = answer.refusal();
    assert_eq!(told, status, "{error}");
    assert_eq!(files(house), BTreeSet::new(), "{error}");
    let (_, _, list) = get(house, "/api/photos").await;
    assert_eq!(list, b"[]", "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_is_stored_as_it_is() {
    let house = House::open().await;
    for (number, (format, media)) in (0..).zip([
        (ImageFormat::Jpeg, "image/jpeg"),
        (ImageFormat::Png, "image/png"),
        (ImageFormat::WebP, "image/webp"),
        (ImageFormat::Gif, "image/gif"),
    ]) {
        let picture = samples::picture(format, 60, 40, number);
        // Neither the given name nor the given type matters.
        let id = stored(&house, "page.html", &picture).await;
        let (status, head, body) = get(&house, &format!("/photos/{id}")).await;
        assert_eq!((status, body == picture), (200, true), "{media}");
        assert!(head.contains(&format!("content-type: {media}\r\n")), "{head}");
        let photo = described(&house, &id).await;
        assert_eq!(photo["type"], media);
        assert_eq!((&photo["width"], &photo["height"]), (&60.into(), &40.into()));
        assert_eq!((&photo["name"], &photo["time"]), (&"page.html".into(), &"received".into()));
        assert_eq!(photo["bytes"], picture.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_of_a_phone_is_upright_has_its_time_and_no_place() {
    let house = House::open().await;
    let id = stored(&house, "IMG_1.JPG", &samples::phone_jpeg()).await;
    let photo = described(&house, &id).await;
    assert_eq!((&photo["width"], &photo["height"]), (&40.into(), &60.into()));
    // 2024-06-01T12:34:56+02:00
    assert_eq!((&photo["taken"], &photo["time"]), (&1_717_238_096_000_u64.into(), &"exif".into()));
    assert_eq!(photo["exif"]["Make"], "Vitra");
    assert!(photo["exif"]["GPSLatitude"].is_null(), "{photo}");
    let (_, _, body) = get(&house, &format!("/photos/{id}")).await;
    let exif = exif::Reader::new().read_from_container(&mut std::io::Cursor::new(&body)).unwrap();
    assert!(exif.get_field(Tag::Make, In::PRIMARY).is_some());
    assert!(exif.fields().all(|field| field.tag.context() != exif::Context::Gps));
    assert!(exif.get_field(Tag::GPSLatitude, In::PRIMARY).is_none());
    let (status, head, thumb) = get(&house, &format!("/photos/{id}/thumb")).await;
    assert_eq!(status, 200, "{head}");
    let thumb = image::load_from_memory_with_format(&thumb, ImageFormat::Jpeg).unwrap().into_rgb8();
    assert_eq!(thumb.dimensions(), (40, 60));
    // Turned clockwise, its dark left side is at the top.
    assert!(thumb.get_pixel(20, 2).0[0] < 64 && thumb.get_pixel(20, 57).0[0] > 192);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_is_kept_if_the_configuration_says_so() {
    let house = House::open_with(|section| section.pictures.keep_gps = true).await;
    let id = stored(&house, "IMG_1.JPG", &samples::phone_jpeg()).await;
    let (_, _, body) = get(&house, &format!("/photos/{id}")).await;
    assert_eq!(body, samples::phone_jpeg());
    let photo = described(&house, &id).await;
    assert!(photo["exif"]["GPSLatitude"].as_str().unwrap().starts_with("40 deg"), "{photo}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_good_ones_of_several_are_stored() {
    let house = House::open().await;
    let (one, two) = (samples::jpeg(1), samples::jpeg(2));
    let form = form(&[
        ("image", "one.jpg", &one),
        ("comment", "", b"not a picture"),
        ("image", "bad.jpg", b"hello"),
        ("image", "two.jpg", &two),
    ]);
    let answer = send(house.address, "POST", "/upload", FORM, &form).await;
    let answer = (answer.status, answer.json());
    assert_eq!(answer.0, 201, "{}", answer.1);
    let outcomes = answer.1.as_array().unwrap();
    assert_eq!(outcomes.len(), 3, "{outcomes:?}");
    for (good, name) in [(0, "one.jpg"), (2, "two.jpg")] {
        let id = outcomes[good]["id"].as_str().unwrap();
        assert_eq!(outcomes[good]["url"], format!("/photos/{id}"));
        assert_eq!(described(&house, id).await["name"], name);
    }
    assert_eq!((&outcomes[1]["status"], &outcomes[1]["name"]), (&415.into(), &"bad.jpg".into()));
    assert!(outcomes[1]["error"].is_string() && outcomes[1]["hint"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_64_mib_is_taken_and_one_byte_more_is_not() {
    const UPLOAD: usize = 64 << 20;
    let house = House::open().await;
    let (good, more) = (samples::jpeg(1), samples::jpeg(2));
    let answer = upload(&house, "a.jpg", &samples::padded(more, UPLOAD + 1)).await;
    refused(413, answer, &house).await;
    let answer = upload(&house, "a.jpg", &samples::padded(good, UPLOAD)).await;
    assert_eq!(answer.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_is_counted_as_it_comes() {
    let house = House::open_with(|section| section.pictures.upload = 1 << 20).await;
    for (size, status) in [((1 << 20) + 1, 413), (300_000, 201)] {
        let picture = samples::padded(samples::jpeg(1), size);
        let head = format!(
            "POST /upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Transfer-Encoding: chunked\r\n{FORM}\r\n"
        );
        let mut request = head.into_bytes();
        for chunk in form(&[("image", "a.jpg", &picture)]).chunks(100_000) {
            request.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.extend([chunk, b"\r\n"].concat());
        }
        request.extend(b"0\r\n\r\n");
        let answer = exchange(house.address, &request).await;
        if status == 413 {
            refused(413, answer, &house).await;
        } else {
            assert_eq!(answer.status, status);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_bomb_of_a_png_is_refused() {
    let house = House::open().await;
    refused(413, upload(&house, "a.png", &samples::bomb()).await, &house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_60_000_by_60_000_jpeg_header_is_refused() {
    let house = House::open().await;
    refused(413, upload(&house, "a.jpg", &samples::huge_jpeg()).await, &house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_named_jpg_is_refused() {
    let house = House::open().await;
    refused(415, upload(&house, "a.jpg", b"hello").await, &house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_of_another_kind_is_called_by_its_name() {
    let house = House::open().await;
    for (name, begins) in [
        ("HEIC", &b"\0\0\0\x24ftypheic\0\0\0\0"[..]),
        ("HEIC", b"\0\0\0\x24ftypmif1"),
        ("AVIF", b"\0\0\0\x20ftypavif"),
        ("TIFF", b"MM\0\x2a\0\0\0\x08"),
        ("JPEG XL", b"\xff\x0a\xfa\x1f"),
        ("BMP", b"BM\x36\0\0\0"),
    ] {
        let answer = upload(&house, "a.jpg", begins).await;
        let told = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(told.contains(&format!("it is {name}, not a JPEG")), "{told}");
        refused(415, answer, &house).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_is_told_before_it_is_sent() {
    let house = House::open_with(|section| section.pictures.upload = 3 << 20).await;
    let answer = send(house.address, "GET", "/upload", "", b"").await;
    let told = answer.json();
    assert_eq!((&told["bytes"], &told["pixels"]), (&(3 << 20).into(), &250_000_000.into()));
    assert_eq!(told["types"][1], "image/png");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_room_leads_into_the_page() {
    let house = House::open().await;
    for (path, to) in [
        ("/wall", "./#/"),
        ("/wall?cycle=20", "./?cycle=20#/"),
        ("/photos", "./#/photos"),
        ("/photos?camera=house/door", "./#/photos?camera=house/door"),
        ("/people/", "../#/people"),
    ] {
        let answer = send(house.address, "GET", path, "", b"").await;
        assert_eq!(answer.status, 302, "{path}");
        assert!(answer.head.contains(&format!("\r\nlocation: {to}\r\n")), "{}", answer.head);
    }
    assert_eq!(send(house.address, "GET", "/photos/x", "", b"").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_svg_with_a_script_is_refused() {
    let house = House::open().await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    for name in ["a.svg", "a.png"] {
        refused(415, upload(&house, name, svg).await, &house).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_is_cut_in_the_middle_is_refused() {
    let house = House::open().await;
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let picture = samples::picture(format, 60, 40, 0);
        let answer = upload(&house, "a", &picture[..picture.len() / 2]).await;
        refused(415, answer, &house).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_dots_or_5_000_characters_is_a_text() {
    let house = House::open().await;
    let long = "é".repeat(5000);
    for (number, (name, kept)) in (0..).zip([
        ("../../../etc/passwd", "passwd".to_owned()),
        ("..\\..\\a\tb.jpg", "ab.jpg".to_owned()),
        ("\u{202e}gpj.<b>&.html", "gpj.<b>&.html".to_owned()),
        (&long, "é".repeat(255)),
        ("..", String::new()),
    ]) {
        let id = stored(&house, name, &samples::jpeg(number)).await;
        let photo = described(&house, &id).await;
        assert_eq!(photo["name"].as_str().unwrap_or_default(), kept);
        let (_, head, _) = get(&house, &format!("/photos/{id}")).await;
        assert!(head.contains("content-disposition: inline; filename=\""), "{head}");
    }
    // Files have their ids as names, and are all inside the store.
    assert!(files(&house).iter().all(|file| !file.contains("passwd") && !file.contains("..")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_nul_is_refused() {
    let house = House::open().await;
    refused(400, upload(&house, "a\0.jpg", &samples::jpeg(0)).await, &house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_part_is_refused() {
    let house = House::open().await;
    refused(400, upload(&house, "a.jpg", b"").await, &house).await;
    refused(400, upload(&house, "", b"").await, &house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_a_picture_is_refused() {
    let house = House::open().await;
    for parts in [&[][..], &[("file", "a.jpg", &samples::jpeg(0)[..])]] {
        let answer = send(house.address, "POST", "/upload", FORM, &form(parts)).await;
        refused(400, answer, &house).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_form_is_refused() {
    let house = House::open().await;
    for content_type in
        ["", "Content-Type: image/jpeg\r\n", "Content-Type: multipart/form-data\r\n"]
    {
        let answer = send(house.address, "POST", "/upload", content_type, &samples::jpeg(0)).await;
        refused(415, answer, &house).await;
    }
    let answer = send(house.address, "POST", "/upload", FORM, b"hello").await;
    refused(400, answer, &house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_half_way_leaves_no_trace() {
    let house = House::open().await;
    let picture = samples::padded(samples::jpeg(0), 2_000_000);
    let form = form(&[("image", "a.jpg", &picture)]);
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{FORM}\r\n",
        form.len()
    );
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&form[..1_000_000]).await.unwrap();
    // It is being written to a file.
    soon(async {
        while files(&house).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    drop(stream);
    soon(async {
        while !files(&house).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let (_, _, list) = get(&house, "/api/photos").await;
    assert_eq!(list, b"[]");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_200_uploads_at_once_each_is_stored_or_told_to_wait() {
    let house = House::open().await;
    let address = house.address;
    let mut uploads = JoinSet::new();
    for number in 0..200 {
        let form = form(&[("image", "a.jpg", &samples::jpeg(number))]);
        uploads.spawn(async move { send(address, "POST", "/upload", FORM, &form).await });
    }
    let mut taken = BTreeSet::new();
    while let Some(answer) = soon(uploads.join_next()).await {
        let answer = answer.unwrap();
        match answer.status {
            201 => assert!(taken.insert(answer.json()[0]["id"].as_str().unwrap().to_owned())),
            503 => assert!(answer.header("retry-after").is_some(), "{}", answer.head),
            other => panic!("{other}: {}", answer.head),
        }
    }
    let (_, _, list) = get(&house, "/api/photos?limit=500").await;
    let list: Vec<serde_json::Value> = serde_json::from_slice(&list).unwrap();
    let listed: BTreeSet<_> =
        list.iter().map(|photo| photo["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(listed, taken);
    assert!(taken.len() >= 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_cannot_upload() {
    let house = House::open().await;
    let form = form(&[("image", "a.jpg", &samples::jpeg(0))]);
    for header in ["Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        let headers = format!("{FORM}{header}");
        let answer = send(house.address, "POST", "/upload", &headers, &form).await;
        refused(403, answer, &house).await;
    }
}
