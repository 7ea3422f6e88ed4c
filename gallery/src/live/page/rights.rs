//! What a page's messages need, as the table of routes says it of requests.

use access::Right;
use wire::page::FromPage;

/// The right that a message needs; `None` if everybody who has a page may send it. Frames of a
/// page's own camera need [`Right::Show`], and answers to frames nothing.
pub(crate) fn needs(message: &FromPage) -> Option<Right> {
    match message {
        FromPage::Watch { .. } | FromPage::Measure { .. } => Some(Right::Look),
        FromPage::Join { .. } | FromPage::Say { .. } => Some(Right::Talk),
        FromPage::Share { .. } => Some(Right::Show),
        FromPage::Log { .. } => Some(Right::Log),
        // Doing less needs no right.
        FromPage::Pause | FromPage::Resume | FromPage::Leave | FromPage::Unshare => None,
    }
}
