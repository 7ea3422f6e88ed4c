//! The fields of a form: pictures, and before each what a browser knows about it.

use bytes::Bytes;
use futures_util::Stream;
use wire::{Author, TimeSource};

use super::idempotency::Named;
use super::multipart::{BadBody, Multipart};
use crate::photos::picture;

/// The field that holds a picture.
pub(super) const FIELD: &str = "image";

/// The field before a picture that says how many milliseconds ago it was taken.
pub(super) const AGE: &str = "age";

/// The field before a picture that says when its file was last changed, in milliseconds since 1970.
pub(super) const MODIFIED: &str = "modified";

/// The most digits of these fields.
const DIGITS: usize = 15;

/// What is known of a picture besides its content.
#[derive(Debug, Default)]
pub(super) struct Brought {
    pub person: Option<Author>,
    /// Its idempotency key.
    pub named: Option<Named>,
    /// When it was taken, in milliseconds since 1970, if the browser said how old it was. A
    /// browser's clock may be wrong, but hardly the difference between two of its times.
    pub taken: Option<u64>,
    /// When its file was last changed, in milliseconds since 1970.
    pub modified: Option<u64>,
}

impl Brought {
    /// When a picture with these times was taken, as well as is known at `now`.
    pub fn taken(&self, times: &[u64], now: u64) -> (u64, TimeSource) {
        if let Some(taken) = self.taken {
            return (taken, TimeSource::Browser);
        }
        if let Some(taken) = picture::plausible(times, now) {
            return (taken, TimeSource::Exif);
        }
        match picture::plausible(self.modified.as_slice(), now) {
            Some(modified) => (modified, TimeSource::File),
            None => (now, TimeSource::Received),
        }
    }
}

/// The number of milliseconds in a field.
pub(super) async fn number<S>(body: &mut Multipart<S>) -> Result<Option<u64>, BadBody>
where
    S: Stream<Item = Result<Bytes, BadBody>> + Unpin,
{
    let mut text = Vec::new();
    while let Some(data) = body.data().await? {
        if text.len() <= DIGITS {
            text.extend_from_slice(&data);
        }
    }
    let text = std::str::from_utf8(&text).ok().filter(|text| text.len() <= DIGITS);
    let number = text.and_then(|text| text.parse::<f64>().ok()).filter(|number| *number >= 0.0);
    // Not NaN, and at most 15 digits; larger values, such as 1e300, become the largest number.
    Ok(number.map(|number| number as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sent(number_of: &str) -> Option<u64> {
        let head = "--b\r\nContent-Disposition: form-data; name=\"age\"\r\n\r\n";
        let body = Bytes::from(format!("{head}{number_of}\r\n--b--\r\n"));
        let body = futures_util::stream::iter([Ok(body)]);
        let mut body = Multipart::new("multipart/form-data; boundary=b", body).unwrap();
        assert_eq!(body.next().await.unwrap().unwrap().name, AGE);
        number(&mut body).await.unwrap()
    }

    #[tokio::test]
    async fn numbers_of_milliseconds_are_read() {
        assert_eq!(sent("1500.7").await, Some(1500));
        assert_eq!(sent("1763640000000").await, Some(1_763_640_000_000));
        for bad in ["", "-1", "NaN", "yesterday", &"9".repeat(100)] {
            assert_eq!(sent(bad).await, None, "{bad}");
        }
    }

    #[test]
    fn a_picture_knows_better_than_its_file_and_a_shutter_better_than_both() {
        const NOW: u64 = 1_763_640_000_000;
        let taken = |taken, times: &[u64], modified| {
            Brought { taken, modified, ..Brought::default() }.taken(times, NOW)
        };
        assert_eq!(taken(Some(7), &[NOW - 5], Some(NOW - 3)), (7, TimeSource::Browser));
        assert_eq!(taken(None, &[NOW - 5], Some(NOW - 3)), (NOW - 5, TimeSource::Exif));
        // A clock that was never set, one that is ahead, and then a right one.
        assert_eq!(taken(None, &[10_000, NOW + 1, NOW - 5], None), (NOW - 5, TimeSource::Exif));
        assert_eq!(taken(None, &[NOW + 1], Some(NOW - 3)), (NOW - 3, TimeSource::File));
        for modified in [None, Some(0), Some(NOW + 1), Some(u64::MAX)] {
            assert_eq!(taken(None, &[], modified), (NOW, TimeSource::Received), "{modified:?}");
        }
    }
}
