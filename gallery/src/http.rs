//! HTTP: listeners, admission, the table of routes, and the files of the page.
//!
//! `listener` and `https` accept, `guard` judges each request and makes its `Caller`, and `routes`
//! is the one table of routes with the right that each needs. Handlers turn requests into calls of
//! the folders of their subjects, which know no routes. No handler judges an address by itself, and
//! none answers before the guard and the table let the request pass.

pub(crate) mod addresses;
pub(crate) mod assets;
pub(crate) mod cookies;
pub(crate) mod cors;
pub(crate) mod device;
pub(crate) mod edits;
pub(crate) mod guard;
pub(crate) mod handlers;
pub(crate) mod https;
pub(crate) mod invite;
pub(crate) mod listener;
pub(crate) mod logins;
pub(crate) mod photos;
pub(crate) mod proxied;
pub mod range;
pub(crate) mod routes;
pub(crate) mod site;
pub(crate) mod snapshot;
pub(crate) mod titles;
pub(crate) mod until;
pub(crate) mod users;
pub(crate) mod zip;
