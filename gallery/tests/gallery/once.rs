//! A repeated upload is one photo, whatever happened to the answer.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::client::{Answer, FORM, form, get, json, parse, send, stored, upload};
use crate::house::{House, soon};
use crate::samples;

/// Uploads pictures with a key.
async fn named(house: &House, key: &str, pictures: &[&[u8]]) -> Answer {
    let parts: Vec<_> = pictures.iter().map(|picture| ("image", "a.jpg", *picture)).collect();
    let headers = format!("{FORM}Idempotency-Key: {key}\r\n");
    send(house.address, "POST", "/upload", &headers, &form(&parts)).await
}

async fn count(house: &House) -> usize {
    json(&get(house, "/api/photos").await.2).as_array().unwrap().len()
}

fn id(answer: &Answer, number: usize) -> String {
    answer.json()[number]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_answer_was_lost_is_stored_once() {
    let mut house = House::open().await;
    let picture = samples::phone_jpeg();
    let form = form(&[("image", "a.jpg", &picture)]);
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{FORM}\
         Idempotency-Key: \"one\"\r\n\r\n",
        form.len()
    );
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(&[head.as_bytes(), &form].concat()).await.unwrap();
    // The first byte of the answer shows that it is stored; nobody reads the rest.
    soon(stream.read_u8()).await.unwrap();
    drop(stream);
    let first = named(&house, "\"one\"", &[&picture]).await;
    assert_eq!((first.status, &first.json()[0]["already"]), (200, &true.into()));
    // The place is no longer in the file, and the same upload is known by its bytes.
    let again = upload(&house, "other.jpg", &picture).await;
    assert_eq!((again.status, id(&again, 0)), (200, id(&first, 0)));
    house.restart().await;
    let late = named(&house, "\"one\"", &[&picture]).await;
    assert_eq!((late.status, id(&late, 0)), (200, id(&first, 0)));
    // The downloaded file is that photo too.
    let (_, _, downloaded) = get(&house, &format!("/photos/{}", id(&first, 0))).await;
    assert_ne!(downloaded, picture);
    let back = upload(&house, "a.jpg", &downloaded).await;
    assert_eq!((back.status, id(&back, 0)), (200, id(&first, 0)));
    assert_eq!(count(&house).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_bring_the_same_at_once_bring_one_photo() {
    let house = House::open().await;
    let form = form(&[("image", "a.jpg", &samples::jpeg(1))]);
    let mut uploads = JoinSet::new();
    for number in 0..12 {
        let (form, address) = (form.clone(), house.address);
        uploads.spawn(async move {
            let key = ["", "Idempotency-Key: same\r\n"][number % 2];
            send(address, "POST", "/upload", &format!("{FORM}{key}"), &form).await
        });
    }
    let answers = soon(uploads.join_all()).await;
    let new = answers.iter().filter(|answer| answer.status == 201).count();
    assert!(answers.iter().all(|answer| answer.status <= 201));
    assert!(answers.iter().all(|answer| id(answer, 0) == id(&answers[0], 0)));
    assert_eq!((new, count(&house).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_picture_of_a_request_has_its_own_end() {
    let house = House::open().await;
    let [one, two, three] = [1, 2, 3].map(samples::jpeg);
    let id_of_one = stored(&house, "one.jpg", &one).await;
    let answer = named(&house, "k", &[&one, &two, b"no picture", &two]).await;
    assert_eq!(answer.status, 201);
    let outcomes = answer.json();
    assert_eq!((&outcomes[0]["id"], &outcomes[0]["already"]), (&id_of_one.into(), &true.into()));
    assert!(outcomes[1]["already"].is_null(), "{outcomes}");
    assert_eq!(outcomes[2]["status"], 415);
    assert_eq!((&outcomes[3]["id"], &outcomes[3]["already"]), (&outcomes[1]["id"], &true.into()));
    // Once more, with a different last picture.
    let answer = named(&house, "k", &[&one, &two, b"no picture", &three]).await;
    assert_eq!(answer.status, 200);
    let again = answer.json();
    assert_eq!((&again[0]["id"], &again[1]["id"]), (&outcomes[0]["id"], &outcomes[1]["id"]));
    assert_eq!((&again[2]["status"], &again[3]["status"]), (&415.into(), &422.into()));
    assert_eq!(count(&house).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_picture_of_one_client() {
    let house = House::open().await;
    let [one, two] = [1, 2].map(samples::jpeg);
    let first = named(&house, "k", &[&one]).await;
    assert_eq!(first.status, 201);
    let (status, error) = named(&house, "k", &[&two]).await.refusal();
    assert_eq!(status, 422, "{error}");
    assert_eq!(count(&house).await, 1);
    // Somebody else learns nothing about it.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, 2), 0).into()).unwrap();
    let mut stream = socket.connect(house.address).await.unwrap();
    let form = form(&[("image", "b.jpg", &two)]);
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\
         {FORM}Idempotency-Key: k\r\n\r\n",
        form.len()
    );
    stream.write_all(&[head.as_bytes(), &form].concat()).await.unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(parse(&answer).status, 201);
    for bad in ["", "a b", "\u{e9}", &"k".repeat(256)] {
        let (status, error) = named(&house, bad, &[&one]).await.refusal();
        assert_eq!(status, 400, "{bad}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_comes_back_only_if_somebody_wants_it() {
    let house = House::open().await;
    let picture = samples::jpeg(1);
    let first = named(&house, "k", &[&picture]).await;
    let path = format!("/api/photos/{}", id(&first, 0));
    assert_eq!(send(house.address, "DELETE", &path, "", b"").await.status, 204);
    // The answer was lost, and meanwhile somebody deleted the photo.
    let (status, error) = named(&house, "k", &[&picture]).await.refusal();
    assert_eq!(status, 410, "{error}");
    assert_eq!(count(&house).await, 0);
    // A new upload means that the photo is wanted.
    let again = upload(&house, "a.jpg", &picture).await;
    assert_eq!(again.status, 201);
    assert_ne!(id(&again, 0), id(&first, 0));
    let restored = send(house.address, "POST", &format!("{path}/restore"), "", b"").await;
    assert_eq!((restored.status, count(&house).await), (200, 2));
}
