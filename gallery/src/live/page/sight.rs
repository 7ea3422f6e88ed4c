//! What somebody may see of what all are told.

use std::sync::Arc;

use access::{Cameras, Right};
use wire::PhotoEvent;
use wire::log::{Entry, Event};
use wire::page::{Notice, NoticeCode, ToPage};
use wire::people::Present;

use crate::caller::Caller;
use crate::live::hub::Hub;
use crate::photos::store::sees;

/// A message to all, as a caller is told it; `None` if it is not for them. Each kind of message has
/// its rule here.
pub(super) fn message(hub: &Hub, caller: &Caller, message: ToPage) -> Option<ToPage> {
    let is_of_people = matches!(
        message,
        ToPage::People { .. } | ToPage::Presence { .. } | ToPage::Talk { .. } | ToPage::Said { .. }
    );
    if is_of_people && !caller.may(Right::Talk, None) {
        return None;
    }
    if caller.cameras.are_all() {
        return Some(message);
    }
    Some(match message {
        ToPage::Cameras { now, mut cameras } => {
            cameras.retain(|camera| caller.may(Right::Look, Some(&camera.camera)));
            ToPage::Cameras { now, cameras }
        }
        ToPage::Notice { notices } => {
            let notices = notices.into_iter().filter_map(|it| notice(hub, caller, it)).collect();
            ToPage::Notice { notices }
        }
        ToPage::Photo(event) => {
            ToPage::Photo(Some(event).filter(|event| photo(&caller.cameras, event))?)
        }
        ToPage::People { people } => {
            let people = people.into_iter().map(|present_| present(caller, present_)).collect();
            ToPage::People { people }
        }
        ToPage::Presence { here, gone } => {
            let here = here.into_iter().map(|present_| present(caller, present_)).collect();
            ToPage::Presence { here, gone }
        }
        ToPage::Log { mut entries } => {
            entries.retain(|line| entry(caller, line));
            ToPage::Log { entries }
        }
        // They tell of people, and of what the page itself does.
        ToPage::Hello { .. }
        | ToPage::Me(_)
        | ToPage::You { .. }
        | ToPage::Talk { .. }
        | ToPage::Said { .. }
        | ToPage::Held { .. }
        | ToPage::Wanted { .. }
        | ToPage::Alive { .. }
        | ToPage::Got { .. }
        | ToPage::Measured { .. } => message,
    })
}

/// The same of a message that is encoded already.
pub(super) fn text(hub: &Hub, caller: &Caller, told: Arc<str>) -> Option<Arc<str>> {
    if caller.cameras.are_all() && caller.may(Right::Talk, None) {
        return Some(told);
    }
    let read = serde_json::from_str(&told).ok()?;
    match message(hub, caller, read)? {
        ToPage::Log { entries } if entries.is_empty() => None,
        seen => serde_json::to_string(&seen).ok().map(Arc::from),
    }
}

/// Somebody who is here, with the camera that they show if the caller sees it.
pub(crate) fn present(caller: &Caller, mut present: Present) -> Present {
    present.camera = present.camera.filter(|camera| caller.may(Right::Look, Some(camera)));
    present
}

/// Whether a caller sees a line of the log.
pub(crate) fn entry(caller: &Caller, entry: &Entry) -> bool {
    let seen = &caller.cameras;
    match &entry.event {
        Event::Camera { camera, .. }
        | Event::Forgotten { camera, .. }
        | Event::Snap { camera }
        | Event::Set { camera, .. } => seen.sees(camera),
        Event::Stored { picture, .. }
        | Event::Changed { picture, .. }
        | Event::Deleted { picture } => picture.camera.as_ref().is_none_or(|it| seen.sees(it)),
        Event::Node { node, .. } | Event::Titled { node, .. } => seen.sees_some_of(node),
        // The words may name any camera of the node.
        Event::Ask { node, .. } | Event::Refused { node, .. } => seen.sees_all_of(node),
        Event::Gallery { .. }
        | Event::Joined { .. }
        | Event::Left { .. }
        | Event::Renamed { .. }
        | Event::Login { .. }
        | Event::Logout { .. }
        | Event::Denied { .. }
        | Event::User { .. }
        | Event::Missed { .. } => true,
    }
}

/// Whether somebody sees what happened to a photo. What was deleted is known with the photo alone.
fn photo(seen: &Cameras, event: &PhotoEvent) -> bool {
    match event {
        PhotoEvent::Stored { photo, .. }
        | PhotoEvent::Changed { photo, .. }
        | PhotoEvent::Deleted { photo: Some(photo), .. } => sees(seen, photo),
        PhotoEvent::Deleted { photo: None, .. } => false,
    }
}

fn notice(hub: &Hub, caller: &Caller, notice: Notice) -> Option<Notice> {
    match notice.code {
        NoticeCode::NoSnapshots => {
            let text = hub.troubles_of(|node| caller.cameras.sees_some_of(node))?;
            Some(Notice { text, ..notice })
        }
        NoticeCode::BrokerLost
        | NoticeCode::Open
        | NoticeCode::DiskFull
        | NoticeCode::NotStored
        | NoticeCode::ViewOnly
        | NoticeCode::Https => Some(notice),
    }
}
