//! Who somebody is and what that one may do.

pub(crate) mod attempts;
pub(crate) mod authentication;
pub(crate) mod identity;
pub(crate) mod local;
pub(crate) mod passwords;
pub(crate) mod roles;
pub(crate) mod users;
