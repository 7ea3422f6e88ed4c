//! Topic filters for subscriptions across all nodes or cameras.

use crate::topics::name::{NodeName, Root};
use crate::topics::topic::PICTURES;

/// The status of every node.
pub fn every_status(root: &Root) -> String {
    format!("{root}/+/status")
}

/// The info of every node.
pub fn every_info(root: &Root) -> String {
    format!("{root}/+/info")
}

/// The stats of every node.
pub fn every_stats(root: &Root) -> String {
    format!("{root}/+/stats")
}

/// The state of every camera.
pub fn every_state(root: &Root) -> String {
    format!("{root}/+/+/state")
}

/// The status of every gallery.
pub fn every_gallery(root: &Root) -> String {
    format!("{root}/gallery/+/status")
}

/// The arrival of every gallery, and what galleries tell each other about it.
pub fn every_come(root: &Root) -> String {
    format!("{root}/gallery/+/come")
}

/// The preview of every camera.
pub fn every_preview(root: &Root) -> String {
    format!("{root}{PICTURES}/+/+/preview")
}

/// Every snapshot, including repeated offers.
pub fn every_snapshot(root: &Root) -> String {
    format!("{root}{PICTURES}/+/+/snapshot")
}

/// The answers of every node.
pub fn every_answer(root: &Root) -> String {
    format!("{root}/+/answer")
}

/// The questions to every node.
pub fn every_ask(root: &Root) -> String {
    format!("{root}/+/ask")
}

/// The snaps for every camera.
pub fn every_snap(root: &Root) -> String {
    format!("{root}/+/+/snap")
}

/// Every request to set a control.
pub fn every_set(root: &Root) -> String {
    format!("{root}/+/+/set/+")
}

/// Every request to give a node a title.
pub fn every_set_title(root: &Root) -> String {
    format!("{root}/+/set/title")
}

/// The photo events of every gallery.
pub fn every_photo(root: &Root) -> String {
    format!("{root}/gallery/+/photo")
}

/// Everybody who is here.
pub fn every_person(root: &Root) -> String {
    format!("{root}/people/+")
}

/// What everybody says.
pub fn every_say(root: &Root) -> String {
    format!("{root}/people/+/say")
}

/// The snaps for every camera of one node.
pub fn snaps_of(root: &Root, node: &NodeName) -> String {
    format!("{root}/{node}/+/snap")
}

/// The wants for every camera of one node.
pub fn wants_of(root: &Root, node: &NodeName) -> String {
    format!("{root}/{node}/+/want")
}

/// Whatever is set of the cameras of one node.
pub fn sets_of(root: &Root, node: &NodeName) -> String {
    format!("{root}/{node}/+/set/+")
}

/// The states of every camera of one node.
pub fn states_of(root: &Root, node: &NodeName) -> String {
    format!("{root}/{node}/+/state")
}

/// All facts of one node and its cameras.
pub fn all_of(root: &Root, node: &NodeName) -> String {
    format!("{root}/{node}/#")
}
