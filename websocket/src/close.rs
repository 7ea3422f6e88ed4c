//! Why a side closes: the codes of section 7.4.1.

/// The purpose is fulfilled.
pub const NORMAL: u16 = 1000;
/// The server stops, or the page goes to another.
pub const GOING_AWAY: u16 = 1001;
/// A frame breaks the rules.
pub const PROTOCOL: u16 = 1002;
/// The receiver does not accept this kind of message.
pub const UNSUPPORTED: u16 = 1003;
/// A text message is not UTF-8.
pub const NOT_UTF8: u16 = 1007;
/// A message breaks the receiver's policy.
pub const POLICY: u16 = 1008;
/// A message is too long.
pub const TOO_LARGE: u16 = 1009;
/// The server has no room now. It was registered with IANA later.
pub const TRY_LATER: u16 = 1013;

/// A client broke the rules: the close code, and the reason sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken(pub u16, pub &'static str);
