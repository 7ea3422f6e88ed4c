//! Programs that speak HTTP, byte by byte.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::{House, soon};

/// Sends a request as an old client does, so that the answer ends with the connection.
pub async fn ask(house: &House, method: &str, path: &str, headers: &str) -> (u16, String, Vec<u8>) {
    let request = format!("{method} {path} HTTP/1.0\r\n{headers}\r\n");
    let answer = exchange(house.address, request.as_bytes()).await;
    (answer.status, answer.head, answer.body)
}

pub async fn get(house: &House, path: &str) -> (u16, String, Vec<u8>) {
    ask(house, "GET", path, "").await
}

pub fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In lower case.
    pub head: String,
    /// What the browser is to keep, as it came.
    pub cookie: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        json(&self.body)
    }

    /// The value of a header, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find_map(|line| line.strip_prefix(name))?;
        line.strip_prefix(": ")
    }

    /// The status and the error, which must come with a hint.
    pub fn refusal(&self) -> (u16, String) {
        let body = self.json();
        assert!(body["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{body}");
        (self.status, body["error"].as_str().unwrap().to_owned())
    }
}

/// Sends a request with a body.
pub async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> Answer {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Length: {length}\r\n{headers}\r\n"
    );
    exchange(address, &[head.as_bytes(), body].concat()).await
}

/// Sends bytes and reads to the end.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> Answer {
    let stream = soon(TcpStream::connect(address)).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let answer = async {
        let mut answer = Vec::new();
        let _ = reader.read_to_end(&mut answer).await;
        answer
    };
    // The gallery may answer and close before it has read all.
    let (answer, _) = soon(async { tokio::join!(answer, writer.write_all(request)) }).await;
    parse(&answer)
}

pub fn parse(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let (cookie, head) = (cookie.map(str::to_owned), head.to_ascii_lowercase());
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, cookie, body: answer[end..].to_vec() }
}

/// A form as browsers send it: fields with a name, a file name, and data.
pub fn form(parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, file_name, data) in parts {
        let head = format!(
            "--x-y-z\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\
             \r\nContent-Type: text/plain\r\n\r\n"
        );
        form.extend([head.as_bytes(), data, b"\r\n"].concat());
    }
    form.extend(b"--x-y-z--\r\n");
    form
}

pub const FORM: &str = "Content-Type: multipart/form-data; boundary=x-y-z\r\n";

/// Uploads one picture.
pub async fn upload(house: &House, name: &str, picture: &[u8]) -> Answer {
    let form = form(&[("image", name, picture)]);
    send(house.address, "POST", "/upload", FORM, &form).await
}

/// Uploads a picture, which must be accepted, and returns its id.
pub async fn stored(house: &House, name: &str, picture: &[u8]) -> String {
    let answer = upload(house, name, picture).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()[0]["id"].as_str().unwrap().to_owned()
}

/// A photo as the gallery describes it.
pub async fn described(house: &House, id: &str) -> Value {
    let (status, _, body) = get(house, &format!("/api/photos/{id}")).await;
    assert_eq!(status, 200);
    json(&body)
}
