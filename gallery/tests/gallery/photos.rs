//! Photos: listed, changed and served.

use serde_json::{Value, json};

use crate::client::{Answer, ask, described, get, send, stored};
use crate::house::{House, Page, soon};
use crate::samples;

async fn change(house: &House, id: &str, change: &Value) -> Answer {
    let path = format!("/api/photos/{id}");
    send(house.address, "PATCH", &path, "", change.to_string().as_bytes()).await
}

async fn list(house: &House, query: &str) -> Vec<String> {
    let (status, _, body) = get(house, &format!("/api/photos{query}")).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    ids(&body)
}

fn ids(body: &[u8]) -> Vec<String> {
    let photos: Vec<Value> = serde_json::from_slice(body).unwrap();
    photos.iter().map(|photo| photo["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_where_its_link_says() {
    let house = House::open().await;
    let mut all = Vec::new();
    for number in 0..7 {
        all.push(stored(&house, "a.jpg", &samples::jpeg(number)).await);
    }
    let mut path = Some("/api/photos?limit=3&from=0".to_owned());
    let mut seen = Vec::new();
    while let Some(next) = path {
        let (status, head, body) = get(&house, &next).await;
        assert_eq!(status, 200);
        let page = ids(&body);
        assert!(page.len() <= 3);
        seen.extend(page);
        // Ids are upper case; our client made the head lower case.
        path = head.lines().find_map(|line| {
            let link = line.strip_prefix("link: <")?;
            let (path, rel) = link.split_once('>')?;
            assert_eq!(rel, "; rel=\"next\"");
            let (path, before) = path.split_once("before=")?;
            Some(format!("{path}before={}", upper_id(before)))
        });
    }
    let mut newest_first = seen.clone();
    newest_first.sort();
    all.sort();
    assert_eq!(newest_first, all);
    assert_eq!(seen.len(), 7);
    assert_eq!(list(&house, "?to=1").await, Vec::<String>::new());
    assert_eq!(list(&house, "?camera=pi/door").await, Vec::<String>::new());
    assert_eq!(list(&house, "").await, seen);
}

/// A cursor is a time in hex and an id.
fn upper_id(cursor: &str) -> String {
    match cursor.split_once('.') {
        Some((time, id)) => format!("{time}.{}", id.to_ascii_uppercase()),
        None => cursor.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_cannot_be_read_are_told_so() {
    let house = House::open().await;
    for query in [
        "limit=0",
        "limit=501",
        "limit=many",
        "from=yesterday",
        "camera=../etc",
        "person=%00",
        "before=x",
        "before=%f0%9f",
    ] {
        let (status, _, body) = get(&house, &format!("/api/photos?{query}")).await;
        assert_eq!(status, 400, "{query}: {}", String::from_utf8_lossy(&body));
    }
    let (status, _, _) = get(&house, "/api/photos/days?zone=Nowhere/Land").await;
    assert_eq!(status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn days_and_sources_are_counted() {
    let house = House::open().await;
    stored(&house, "a.jpg", &samples::phone_jpeg()).await;
    let (status, _, body) = get(&house, "/api/photos/days?zone=Europe/Madrid").await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    let days: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&days[0]["day"], &days[0]["count"]), (&"2024-06-01".into(), &1.into()));
    // Midnight in Madrid.
    assert_eq!(days[0]["start"], 1_717_192_800_000_u64);
    let (status, _, body) = get(&house, "/api/photos/sources").await;
    assert_eq!(status, 200);
    let sources: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(sources, json!({"cameras": [], "people": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_is_kept_by_the_browser_and_sent_in_parts() {
    let house = House::open().await;
    let picture = samples::jpeg(1);
    let id = stored(&house, "Urlaub ñ.jpg", &picture).await;
    let path = format!("/photos/{id}");
    let (status, head, body) = get(&house, &path).await;
    assert_eq!((status, &body), (200, &picture));
    for header in [
        "content-type: image/jpeg\r\n",
        "cache-control: private, max-age=31536000, immutable\r\n",
        "accept-ranges: bytes\r\n",
        "x-content-type-options: nosniff\r\n",
        "content-security-policy: default-src 'none'; style-src 'unsafe-inline'; sandbox\r\n",
        "content-disposition: inline; filename=\"urlaub _.jpg\"; filename*=utf-8''urlaub%20%c3%b1.jpg\r\n",
        &format!("content-length: {}\r\n", picture.len()),
    ] {
        assert!(head.contains(header), "{header} in {head}");
    }
    let etag = format!("\"{}\"", described(&house, &id).await["hash"].as_str().unwrap());
    assert!(head.contains(&format!("etag: {etag}\r\n")), "{head}");

    let (status, same, body) = ask(&house, "HEAD", &path, "").await;
    assert_eq!((status, body.len()), (200, 0));
    assert!(same.contains(&format!("content-length: {}\r\n", picture.len())), "{same}");

    let known = format!("If-None-Match: \"x\", {etag}\r\n");
    let (status, head, body) = ask(&house, "GET", &path, &known).await;
    assert_eq!((status, body.len()), (304, 0));
    assert!(head.contains(&format!("etag: {etag}")), "{head}");

    let length = picture.len();
    for (headers, status, part) in [
        ("Range: bytes=0-99\r\n".to_owned(), 206, 0..100),
        ("Range: bytes=100-\r\n".to_owned(), 206, 100..length),
        ("Range: bytes=-10\r\n".to_owned(), 206, length - 10..length),
        (format!("Range: bytes=5-9\r\nIf-Range: {etag}\r\n"), 206, 5..10),
        ("Range: bytes=5-9\r\nIf-Range: \"other\"\r\n".to_owned(), 200, 0..length),
        ("Range: bytes=0-1,5-6\r\n".to_owned(), 200, 0..length),
    ] {
        let (told, head, body) = ask(&house, "GET", &path, &headers).await;
        assert_eq!((told, &body[..]), (status, &picture[part.clone()]), "{headers}");
        let range = format!("content-range: bytes {}-{}/{length}\r\n", part.start, part.end - 1);
        assert_eq!(head.contains(&range), status == 206, "{head}");
    }
    let (status, head, _) = ask(&house, "GET", &path, "Range: bytes=9999999-\r\n").await;
    assert_eq!(status, 416);
    assert!(head.contains(&format!("content-range: bytes */{length}\r\n")), "{head}");

    let (_, head, _) = get(&house, &format!("{path}?download")).await;
    assert!(head.contains("content-disposition: attachment; "), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thumbnail_is_small_and_kept_too() {
    let house = House::open().await;
    let png = samples::picture(image::ImageFormat::Png, 1200, 800, 1);
    let id = stored(&house, "a.png", &png).await;
    let path = format!("/photos/{id}/thumb");
    let (status, head, body) = get(&house, &path).await;
    assert_eq!(status, 200, "{head}");
    assert!(head.contains("image/jpeg") && head.contains("immutable"), "{head}");
    let thumb = image::load_from_memory_with_format(&body, image::ImageFormat::Jpeg).unwrap();
    assert_eq!((thumb.width(), thumb.height()), (864, 576));
    let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let known = format!("If-None-Match: {etag}\r\n");
    let (status, _, _) = ask(&house, "GET", &path, &known).await;
    assert_eq!(status, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_is_pinned_captioned_deleted_and_restored() {
    let house = House::open().await;
    let mut page = Page::open(&house).await;
    let id = stored(&house, "a.jpg", &samples::jpeg(1)).await;
    assert_eq!(page.photo().await, ("stored".into(), id.clone()));

    let answer = change(&house, &id, &json!({"pinned": true})).await;
    assert_eq!((answer.status, &answer.json()["pinned"]), (200, &true.into()));
    assert_eq!(page.photo().await, ("changed".into(), id.clone()));
    let answer = change(&house, &id, &json!({"caption": " Garden "})).await;
    let photo = answer.json();
    assert_eq!((&photo["caption"], &photo["pinned"]), (&"Garden".into(), &true.into()));
    assert_eq!(page.photo().await, ("changed".into(), id.clone()));

    let path = format!("/api/photos/{id}");
    let (status, _, body) = ask(&house, "DELETE", &path, "").await;
    assert_eq!((status, body.len()), (204, 0));
    assert_eq!(page.photo().await, ("deleted".into(), id.clone()));
    for path in [&path, &format!("/photos/{id}"), &format!("/photos/{id}/thumb")] {
        assert_eq!(get(&house, path).await.0, 410, "{path}");
    }
    assert_eq!(change(&house, &id, &json!({"pinned": false})).await.status, 410);
    assert_eq!(list(&house, "").await, Vec::<String>::new());

    let answer = send(house.address, "POST", &format!("{path}/restore"), "", b"").await;
    assert_eq!((answer.status, &answer.json()["caption"]), (200, &"Garden".into()));
    assert_eq!(page.photo().await, ("stored".into(), id.clone()));
    assert_eq!(get(&house, &format!("/photos/{id}")).await.2, samples::jpeg(1));
    assert_eq!(list(&house, "").await, [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caption_is_a_text_whatever_it_holds() {
    let house = House::open().await;
    let id = stored(&house, "a.jpg", &samples::jpeg(1)).await;
    let longest = "ñ".repeat(500);
    for caption in
        ["<script>alert(1)</script>", "\u{202e}txet", "'; DROP TABLE photos; --", &longest, ""]
    {
        let answer = change(&house, &id, &json!({"caption": caption})).await;
        assert_eq!(answer.status, 200, "{caption}");
        let photo = described(&house, &id).await;
        assert_eq!(photo["caption"].as_str().unwrap_or_default(), caption);
    }
    let answer = change(&house, &id, &json!({"caption": "a\u{0}b\u{7}\nc"})).await;
    assert_eq!(answer.json()["caption"], "ab\nc");
    for bad in [
        json!({"caption": "x".repeat(501)}),
        json!({"caption": 5}),
        json!({"pinned": "yes"}),
        json!({"taken": 5}),
        json!([]),
    ] {
        assert_eq!(change(&house, &id, &bad).await.refusal().0, 400, "{bad}");
    }
    let long = format!("{{\"caption\":\"{}\"}}", "x".repeat(100_000));
    let path = format!("/api/photos/{id}");
    let answer = send(house.address, "PATCH", &path, "", long.as_bytes()).await;
    assert_eq!(answer.refusal().0, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_none_are_not_found() {
    let house = House::open().await;
    for id in [
        "..",
        "..%2f..%2findex.db",
        "%2e%2e%2findex.db",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "01arz3ndektsv4rrffq69g5fav",
        "01ARZ3NDEKTSV4RRFFQ69G5FA%00",
        "%2fetc%2fpasswd",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV.jpg",
    ] {
        for path in
            [format!("/photos/{id}"), format!("/photos/{id}/thumb"), format!("/api/photos/{id}")]
        {
            let (status, _, body) = get(&house, &path).await;
            assert_eq!(status, 404, "{path}: {}", String::from_utf8_lossy(&body));
        }
        let (status, _, _) = ask(&house, "DELETE", &format!("/api/photos/{id}"), "").await;
        assert_eq!(status, 404, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_changes_nothing() {
    let house = House::open().await;
    let id = stored(&house, "a.jpg", &samples::jpeg(1)).await;
    for (method, path) in [
        ("PATCH", format!("/api/photos/{id}")),
        ("DELETE", format!("/api/photos/{id}")),
        ("POST", format!("/api/photos/{id}/restore")),
    ] {
        for header in ["Origin: http://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
            let answer = send(house.address, method, &path, header, b"{}").await;
            assert_eq!(answer.refusal().0, 403, "{method} {header}");
        }
    }
    assert_eq!(list(&house, "").await, [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_holds_nobody_up() {
    // Removing the place also removes what follows the picture.
    let house = House::open_with(|section| section.pictures.keep_gps = true).await;
    let picture = samples::padded(samples::jpeg(1), 5_000_000);
    let id = stored(&house, "a.jpg", &picture).await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = tokio::net::TcpStream::connect(house.address).await.unwrap();
        let request = format!("GET /photos/{id} HTTP/1.0\r\n\r\n");
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let (status, _, body) = soon(get(&house, &format!("/photos/{id}"))).await;
    assert_eq!((status, body.len()), (200, picture.len()));
    assert_eq!(list(&house, "").await, [id]);
}
