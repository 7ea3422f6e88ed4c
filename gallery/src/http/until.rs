//! Ends what is being sent when whoever asked for it may no longer have it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use futures_util::stream;
use hyper::body::Body as _;
use warp::reply::{Reply, Response};

use crate::live::page::when_woken;

/// The response, of which nothing more is sent once `over` resolves: a stream, a download or a
/// large photo. One that is in memory as a whole is sent as it is.
pub(crate) fn until(
    response: Response,
    over: impl Future<Output = ()> + Send + Sync + 'static,
) -> Response {
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    let (head, body) = response.into_parts();
    let (mut body, mut over) = (Box::pin(body), Box::pin(when_woken(over)));
    let pieces = stream::poll_fn(move |context| {
        if over.as_mut().poll(context).is_ready() {
            // Not an end, which would look as if all had come.
            let ended = io::Error::new(io::ErrorKind::PermissionDenied, "the login is over");
            return Poll::Ready(Some(Err(ended)));
        }
        loop {
            return match Pin::new(&mut body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) => Poll::Ready(Some(Ok::<Bytes, io::Error>(piece))),
                    Err(_) => continue,
                },
                Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(io::Error::other(error)))),
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            };
        }
    });
    let body = warp::reply::stream(pieces).into_response().into_body();
    Response::from_parts(head, body)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use tokio::sync::oneshot;

    use super::*;

    async fn next(body: &mut Pin<Box<impl hyper::body::Body<Data = Bytes>>>) -> Option<bool> {
        poll_fn(|context| body.as_mut().poll_frame(context)).await.map(|piece| piece.is_ok())
    }

    #[tokio::test]
    async fn a_stream_fails_when_it_is_over_and_a_whole_answer_is_sent() {
        let endless = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(b"frame")));
        let response = warp::reply::stream(endless).into_response();
        let (end, ended) = oneshot::channel::<()>();
        let mut body = Box::pin(until(response, async { drop(ended.await) }).into_body());
        assert_eq!((next(&mut body).await, next(&mut body).await), (Some(true), Some(true)));
        end.send(()).unwrap();
        assert_eq!(next(&mut body).await, Some(false));
        let whole = until(Response::new("whole".into()), async {});
        assert_eq!(whole.body().size_hint().exact(), Some(5));
        let silent = warp::reply::stream(stream::pending::<io::Result<Bytes>>()).into_response();
        let mut body = pin!(until(silent, async {}).into_body());
        let piece = poll_fn(|context| body.as_mut().poll_frame(context)).await;
        assert!(piece.is_some_and(|piece| piece.is_err()), "also while nothing is sent");
    }
}
