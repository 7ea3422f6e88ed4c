//! A camera's picture for programs that speak only HTTP: one (`snapshot.jpg`), or one after another
//! (`stream.mjpg`).

use std::sync::Arc;
use std::time::Duration;

use access::Right;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use supervision::stopped;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, PRAGMA};
use warp::reply::{Reply, Response};
use wire::page::Camera;
use wire::{CameraId, CameraState, Size, limits};

use crate::caller::Caller;
use crate::http::routes::RESOURCE_POLICY;
use crate::limits::shares::Share;
use crate::live::frames::{Frame, Inbox, Wanted, Watch};
use crate::live::hub::Hub;
use crate::now::{Now, micros};
use crate::problem::{Code, Problem, no_camera};

/// How long to wait for a frame that is captured after the request.
const SNAPSHOT_WITHIN: Duration = Duration::from_secs(3);

/// The requested rate, so that the next frame comes soon.
const SNAPSHOT_FPS: f32 = 10.0;

/// A stream gets every frame of the camera.
const STREAM_FPS: f32 = 60.0;

/// A stream ends if nothing comes for this long, or for longer than its camera may take, so that
/// its last picture does not pass for a live one.
const STREAM_ENDS_AFTER: Duration = Duration::from_secs(10);

/// The only tile of our inboxes.
const TILE: u16 = 0;

/// A frame captured after the request; if none comes, the newest one that is not stale. `share` is
/// held until the socket has it.
pub(crate) async fn snapshot(
    hub: &Arc<Hub>,
    caller: &Caller,
    camera: CameraId,
    share: Share,
) -> Result<Response, Problem> {
    let shown = working(hub, caller, &camera)?;
    let asked = Now::read().mono;
    let inbox = Arc::new(Inbox::default());
    let watch = hub.frames.watch(camera.clone(), TILE, &inbox);
    watch.ask(Wanted::full(SNAPSHOT_FPS));
    let deadline = Instant::now() + SNAPSHOT_WITHIN;
    while timeout_at(deadline, inbox.came()).await.is_ok() {
        if let Some(frame) = inbox.take(TILE)
            && frame.captured.at >= asked
            && frame.size == Some(Size::Full)
        {
            return Ok(picture(&frame, share));
        }
    }
    let stale_after = limits::stale_after(shown.interval);
    let fresh =
        |frame: &Arc<Frame>| Duration::from_millis(frame.age_ms(Now::read())) <= stale_after;
    match hub.frames.newest(&camera).filter(fresh) {
        Some(frame) => Ok(picture(&frame, share)),
        None => Err(not_working(&hub.camera(&camera).unwrap_or(shown))),
    }
}

/// The newest frame whenever the socket takes more (`multipart/x-mixed-replace`). `share` is held
/// as long as the stream.
pub(crate) fn stream(
    hub: &Arc<Hub>,
    caller: &Caller,
    camera: CameraId,
    share: Share,
    stop: watch::Receiver<bool>,
) -> Result<Response, Problem> {
    let stale_after = limits::stale_after(working(hub, caller, &camera)?.interval);
    let inbox = Arc::new(Inbox::default());
    let watch = hub.frames.watch(camera, TILE, &inbox);
    watch.ask(Wanted::full(STREAM_FPS));
    let first = Bytes::from_static(b"--frame\r\n");
    let hub = hub.clone();
    let viewer = Viewer { hub, inbox, stop, stale_after, watch, _share: share };
    let parts = stream::unfold(viewer, |mut viewer| async move {
        let frame = viewer.next().await?;
        Some((part(&frame), viewer))
    });
    let body = stream::iter([first]).chain(parts.flat_map(stream::iter));
    let mut response = warp::reply::stream(body.map(Ok::<_, std::io::Error>)).into_response();
    let headers = response.headers_mut();
    let mixed = HeaderValue::from_static("multipart/x-mixed-replace;boundary=frame");
    headers.insert(CONTENT_TYPE, mixed);
    for_all(&mut response);
    // nginx would buffer the stream before it passes any of it on.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

struct Viewer {
    hub: Arc<Hub>,
    inbox: Arc<Inbox>,
    stop: watch::Receiver<bool>,
    /// How long the camera's picture passes for live, as last looked up.
    stale_after: Duration,
    watch: Watch,
    _share: Share,
}

impl Viewer {
    async fn next(&mut self) -> Option<Arc<Frame>> {
        loop {
            if let Some(frame) = self.inbox.take(TILE) {
                // The first frame may be left from a camera that is long gone.
                let waited = Now::read().mono.saturating_sub(frame.received);
                // Many programs cannot handle a change of the picture's size.
                if waited <= micros(self.stale_after) && frame.size == Some(Size::Full) {
                    return Some(frame);
                }
            }
            let ends_after = STREAM_ENDS_AFTER.max(self.stale_after);
            tokio::select! {
                () = stopped(&mut self.stop) => return None,
                came = timeout(ends_after, self.inbox.came()) => if came.is_err() {
                    // The camera may have become slow, as in the dark.
                    let patience = self.patience();
                    if patience <= self.stale_after {
                        return None;
                    }
                    self.stale_after = patience;
                },
            }
        }
    }

    fn patience(&self) -> Duration {
        let shown = self.hub.camera(&self.watch.camera);
        limits::stale_after(shown.and_then(|shown| shown.interval))
    }
}

/// Ends a part with the beginning of the next one, sent at once: a browser draws a part when it
/// sees its end.
fn part(frame: &Frame) -> [Bytes; 3] {
    let head = format!(
        "Content-Type: image/jpeg\r\nContent-Length: {}\r\nX-Timestamp: {}\r\n\r\n",
        frame.jpeg.len(),
        timestamp(frame),
    );
    [head.into(), Bytes::clone(&frame.jpeg), Bytes::from_static(b"\r\n--frame\r\n")]
}

/// Bytes for a socket, with their share, which is held until the socket has them.
struct Sent(Bytes, #[expect(dead_code, reason = "it is held")] Share);

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn picture(frame: &Frame, share: Share) -> Response {
    let jpeg = Bytes::from_owner(Sent(Bytes::clone(&frame.jpeg), share));
    let mut response = Response::new(jpeg.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/jpeg"));
    if let Ok(time) = HeaderValue::from_str(&timestamp(frame)) {
        headers.insert("x-timestamp", time);
    }
    for_all(&mut response);
    response
}

/// The capture time in seconds since 1970, in the format of mjpg-streamer and µStreamer.
fn timestamp(frame: &Frame) -> String {
    format!("{:.6}", frame.captured_ms(Now::read()).0 / 1000.0)
}

/// Nobody may store it, and every page may show it: see `docs/decisions/strangers.md`.
fn for_all(response: &mut Response) {
    let headers = response.headers_mut();
    let none = "no-store, no-cache, must-revalidate, max-age=0";
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(none));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
}

/// The camera, if it is there for the caller and shows pictures.
fn working(hub: &Hub, caller: &Caller, camera: &CameraId) -> Result<Camera, Problem> {
    let shown = hub.camera(camera).filter(|_| caller.may(Right::Look, Some(camera)));
    let shown = shown.ok_or_else(|| no_camera(camera))?;
    match shown.state {
        CameraState::Live | CameraState::Idle => Ok(shown),
        CameraState::Lost | CameraState::Off | CameraState::Error => Err(not_working(&shown)),
    }
}

fn not_working(camera: &Camera) -> Problem {
    let hint = if camera.detail.is_empty() {
        "no frame came from it in time; the log of its node may say why"
    } else {
        &camera.detail
    };
    let error = format!("{} shows no picture now", camera.camera);
    Problem::unavailable(error, hint).coded(Code::CameraAway)
}
