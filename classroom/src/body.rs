//! Reads what comes with a request.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gallery::Share;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;
use traffic::Mistake;
use warp::http::HeaderMap;
use warp::http::header::CONTENT_LENGTH;

/// How long it may take.
const WITHIN: Duration = Duration::from_secs(60);

/// The most bytes that are read of an unwanted body, and for how long.
const PASSED_OVER: usize = 64 << 20;
const PASSED_OVER_WITHIN: Duration = Duration::from_secs(10);

/// It is too large, came too slowly, or broke off.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotWhole;

/// The whole body, of at most `most` bytes, which take from `memory`.
///
/// # Errors
/// [`NotWhole`].
pub(crate) async fn whole(
    body: &mut Incoming,
    most: usize,
    memory: &mut Share,
) -> Result<Bytes, NotWhole> {
    let mut all = BytesMut::new();
    let read = async {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| NotWhole)?.into_data() else { continue };
            if all.len() + data.len() > most {
                return Err(NotWhole);
            }
            memory.wait(all.len() + data.len()).await;
            all.extend_from_slice(&data);
        }
        Ok(())
    };
    match timeout(WITHIN, read).await {
        Ok(Ok(())) => Ok(all.freeze()),
        _ => {
            drop(all);
            memory.free();
            pass_over(body).await;
            Err(NotWhole)
        }
    }
}

/// What the sender of a body that was not whole did: it was too large, or late.
pub(crate) fn mistake(headers: &HeaderMap, most: usize, text: bool) -> Mistake {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    match length {
        Some(length) if length <= most as u64 => Mistake::Unfinished,
        bytes => Mistake::TooLarge { bytes, most: most as u64, text },
    }
}

/// Reads some of what is not wanted, or a client that still sends would not read why.
async fn pass_over(body: &mut Incoming) {
    let mut left = PASSED_OVER;
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _ = timeout(PASSED_OVER_WITHIN, read).await;
}
