//! The addresses of live pictures: ours, and those of mjpg-streamer, µStreamer and crowsnest, which
//! other programs have built in.
//!
//! | address | served by |
//! | --- | --- |
//! | `/cameras/<node>/<camera>/snapshot.jpg`, `…/stream.mjpg` | this gallery |
//! | `/?action=snapshot`, `/?action=stream`, with `_<n>` for a further camera | mjpg-streamer, µStreamer |
//! | `/snapshot`, `/stream`, with `.jpg` and `.mjpg` | µStreamer, camera-streamer |
//! | all of these below `/webcam/`, and `/webcam2/` for the second camera | crowsnest, OctoPi |

use std::collections::HashMap;

use crate::problem::Problem;

/// What is asked of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Snapshot,
    Stream,
}

/// Which camera.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// `<node>/<camera>`, as requested.
    Named(String),
    /// By its place on the wall, from 0.
    Nth(usize),
}

/// Whether a path may lead to a live picture; [`asked`] says which.
pub(crate) fn is_path(path: &str) -> bool {
    let (_, rest) = place(path);
    match rest.as_slice() {
        [] => true,
        [file] => file_of(file).is_some(),
        _ => false,
    }
}

/// What a request asks for; `None` if not for a live picture.
///
/// # Errors
/// The action does not exist.
pub(crate) fn asked(
    path: &str,
    query: &HashMap<String, String>,
) -> Option<Result<(What, Which), Problem>> {
    let (mut which, rest) = place(path);
    let (what, number) = match rest.as_slice() {
        [] => match action(query.get("action")?) {
            Some(action) => action,
            None => {
                let error = format!("there is no action {:?}", query["action"]);
                let hint = "there are ?action=snapshot and ?action=stream";
                return Some(Err(Problem::bad_request(error, hint)));
            }
        },
        [file] => (file_of(file)?, 0),
        _ => return None,
    };
    if let Which::Nth(n) = which {
        which = match query.get("camera") {
            Some(camera) => Which::Named(camera.clone()),
            None => Which::Nth(n.saturating_add(number)),
        };
    }
    Some(Ok((what, which)))
}

/// The camera that a path's beginning names, and the path's rest. Proxies may double slashes.
fn place(path: &str) -> (Which, Vec<&str>) {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["cameras", node, camera, rest @ ..] => {
            (Which::Named(format!("{node}/{camera}")), rest.to_vec())
        }
        [first, rest @ ..] if webcam(first).is_some() => {
            (Which::Nth(webcam(first).unwrap_or_default()), rest.to_vec())
        }
        _ => (Which::Nth(0), parts),
    }
}

/// The index of crowsnest's camera: it counts `webcam`, `webcam2`, `webcam3`.
fn webcam(part: &str) -> Option<usize> {
    match part.strip_prefix("webcam")? {
        "" => Some(0),
        number => Some(digits(number)?.saturating_sub(1)),
    }
}

fn file_of(file: &str) -> Option<What> {
    match file {
        "snapshot" | "snapshot.jpg" => Some(What::Snapshot),
        "stream" | "stream.mjpg" => Some(What::Stream),
        _ => None,
    }
}

/// `stream` or `stream_1`. To defeat caches, programs append text: `stream?1700000000`.
fn action(text: &str) -> Option<(What, usize)> {
    let text = text.split(['?', '/', '&']).next().unwrap_or_default();
    let (what, number) = match text.split_once('_') {
        Some((what, number)) => (what, digits(number)?),
        None => (text, 0),
    };
    match what {
        "snapshot" => Some((What::Snapshot, number)),
        "stream" => Some((What::Stream, number)),
        _ => None,
    }
}

fn digits(text: &str) -> Option<usize> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask(url: &str) -> Option<Result<(What, Which), u16>> {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let query = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let asked = asked(path, &query);
        assert!(asked.is_none() || is_path(path), "{url} can be asked for");
        asked.map(|asked| asked.map_err(|problem| problem.status().as_u16()))
    }

    #[test]
    fn addresses_that_others_serve_are_ours_too() {
        for (url, what, nth) in [
            ("/?action=snapshot", What::Snapshot, 0),
            ("/?action=stream", What::Stream, 0),
            ("/?action=stream_0", What::Stream, 0),
            ("/?action=snapshot_1&t=1700000000", What::Snapshot, 1),
            ("/?action=stream?1700000000", What::Stream, 0),
            ("/?action=stream/", What::Stream, 0),
            ("//?action=stream", What::Stream, 0),
            ("/stream", What::Stream, 0),
            ("/stream/", What::Stream, 0),
            ("//stream", What::Stream, 0),
            ("/stream?extra_headers=1&advance_headers=1", What::Stream, 0),
            ("/snapshot", What::Snapshot, 0),
            ("/snapshot.jpg", What::Snapshot, 0),
            ("/stream.mjpg", What::Stream, 0),
            ("/webcam/?action=stream", What::Stream, 0),
            ("/webcam?action=snapshot", What::Snapshot, 0),
            ("/webcam/stream", What::Stream, 0),
            ("/webcam/snapshot.jpg", What::Snapshot, 0),
            ("/webcam2/?action=stream", What::Stream, 1),
            ("/webcam4/snapshot", What::Snapshot, 3),
            ("/webcam1/stream", What::Stream, 0),
            ("/?action=stream_18446744073709551615", What::Stream, usize::MAX),
        ] {
            assert_eq!(ask(url), Some(Ok((what, Which::Nth(nth)))), "{url}");
        }
    }

    #[test]
    fn a_camera_is_named_by_its_path_or_in_the_query() {
        for url in [
            "/cameras/pi/door/stream.mjpg",
            "/cameras/pi/door/stream",
            "/cameras/pi/door/?action=stream",
            "/cameras/pi/door?action=stream_7",
            "/?action=stream&camera=pi/door",
            "/stream?camera=pi/door",
            "/webcam3/stream?camera=pi/door",
            "/cameras/pi/door/stream?camera=another/one",
        ] {
            let named = Which::Named("pi/door".to_owned());
            assert_eq!(ask(url), Some(Ok((What::Stream, named))), "{url}");
        }
    }

    #[test]
    fn the_page_and_what_is_not_there_are_no_picture() {
        for url in ["/", "/webcam/", "/cameras/pi/door", "/cameras/pi", "/stream/a", "/api/cameras"]
        {
            assert_eq!(ask(url), None, "{url}");
        }
        for url in ["/?action=", "/?action=stream_x", "/?action=stream_+1", "/?action=restart"] {
            assert_eq!(ask(url), Some(Err(400)), "{url}");
        }
        assert!(!is_path("/api/cameras") && !is_path("/stream/a") && !is_path("/upload"));
    }

    proptest! {
        #[test]
        fn no_address_is_too_much(path in ".*", action in ".*") {
            let query = HashMap::from([("action".to_owned(), action)]);
            let _ = (is_path(&path), asked(&path, &query));
        }
    }
}
