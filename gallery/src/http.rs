//! HTTP: listeners, admission, the table of routes, and the files of the page. What the routes
//! answer from is in the folders of their subjects.

pub(crate) mod addresses;
pub(crate) mod assets;
pub(crate) mod cors;
pub(crate) mod edits;
pub(crate) mod guard;
pub(crate) mod handlers;
pub(crate) mod https;
pub(crate) mod listener;
pub(crate) mod photos;
pub(crate) mod proxied;
pub(crate) mod range;
pub(crate) mod routes;
pub(crate) mod site;
pub(crate) mod snapshot;
