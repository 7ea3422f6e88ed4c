//! The directories of EXIF data (TIFF 6.0, section 2; Exif 2.32, 4.6), as any program wrote them,
//! well or badly.

use std::ops::Range;

/// The pointers to further directories, including that of the place.
pub(in crate::photos::picture) const EXIF: u16 = 0x8769;
pub(in crate::photos::picture) const INTEROPERABILITY: u16 = 0xa005;
pub(in crate::photos::picture) const GPS: u16 = 0x8825;

/// The most entries of a directory; cameras write some fifty.
const ENTRIES: usize = 512;

/// EXIF data, from its TIFF header on.
#[derive(Debug, Clone, Copy)]
pub(in crate::photos::picture) struct Tiff<'a> {
    pub bytes: &'a [u8],
    pub little: bool,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::photos::picture) struct Entry {
    pub tag: u16,
    /// The type of the value: 2 is ASCII, 3 a short, 4 a long, 7 undefined.
    pub kind: u16,
    pub count: u32,
    /// The position of the value, in the entry itself if it has up to four bytes.
    pub value: Range<usize>,
}

/// A directory, as far as readable.
#[derive(Debug, Default)]
pub(in crate::photos::picture) struct Directory {
    /// Its position: the number of entries, the entries, and the offset of the next one.
    pub range: Range<usize>,
    pub entries: Vec<Entry>,
    /// The offset of the next one, 0 if this is the last.
    pub next: usize,
    /// Whether each of its entries was readable.
    pub whole: bool,
}

impl Directory {
    pub fn find(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }
}

impl<'a> Tiff<'a> {
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let little = match bytes.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        Some(Tiff { bytes, little })
    }

    /// The directory of the picture.
    pub fn first(&self) -> Option<Directory> {
        self.directory(self.u32(4)?)
    }

    /// The directory that an entry of `directory` points to.
    pub fn below(&self, directory: &Directory, tag: u16) -> Option<Directory> {
        let entry = directory.find(tag)?;
        self.directory(self.u32(entry.value.start)?)
    }

    /// The bytes of a value.
    pub fn value(&self, entry: &Entry) -> &'a [u8] {
        self.bytes.get(entry.value.clone()).unwrap_or_default()
    }

    fn directory(&self, at: usize) -> Option<Directory> {
        let count = usize::from(self.u16(at)?);
        let start = at.checked_add(2)?;
        let end = start.checked_add(12 * count)?;
        let entries: Vec<Entry> =
            (start..end).step_by(12).take(ENTRIES).filter_map(|at| self.entry(at)).collect();
        let whole = entries.len() == count;
        let next = self.u32(end).unwrap_or(0);
        Some(Directory { range: at..end.saturating_add(4), entries, next, whole })
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        let (tag, kind) = (self.u16(at)?, self.u16(at + 2)?);
        let count = self.u32(at + 4)?;
        let size = match kind {
            // 129 is UTF-8 (Exif 3.0).
            1 | 2 | 6 | 7 | 129 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => return None,
        };
        let length = count.checked_mul(size)?;
        let start = if length <= 4 { at + 8 } else { self.u32(at + 8)? };
        let value = start..start.checked_add(length)?;
        let count = u32::try_from(count).ok()?;
        (value.end <= self.bytes.len()).then_some(Entry { tag, kind, count, value })
    }

    pub fn u16(&self, at: usize) -> Option<u16> {
        let field = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(field) } else { u16::from_be_bytes(field) })
    }

    pub fn u32(&self, at: usize) -> Option<usize> {
        let field = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let value = if self.little { u32::from_le_bytes(field) } else { u32::from_be_bytes(field) };
        usize::try_from(value).ok()
    }
}
