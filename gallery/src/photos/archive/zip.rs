//! The ZIP format, as far as stored entries need it: the bytes before, between and behind files
//! whose names, sizes and CRC-32 are known (PKWARE's APPNOTE 6.3.10).
//!
//! Each entry says its size and its CRC before its bytes. A data descriptor behind them, which
//! would save reading a file first, is what macOS and older 7-Zip do not open.

/// The largest value of 16 and of 32 bits says that the true one is in a ZIP64 field (4.5.3).
const IN_ZIP64_16: u16 = u16::MAX;
const IN_ZIP64_32: u32 = u32::MAX;

/// Version 2.0 is enough to read stored entries, 4.5 for ZIP64 (4.4.3).
const PLAIN: u16 = 20;
const ZIP64: u16 = 45;

/// Made on Unix, whose file modes are in the external attributes (4.4.2).
const UNIX: u16 = 3 << 8;
const MODE: u32 = 0o100_644 << 16;

/// Names are UTF-8 (bit 11 in 4.4.4).
const UTF_8: u16 = 1 << 11;

const STORED: u16 = 0;

/// When a file was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Changed {
    /// In seconds since 1970.
    pub unix: i64,
    /// As clocks showed it there: year, month, day, hour, minute, second.
    pub shown: (i16, i8, i8, i8, i8, i8),
}

/// An entry, but for its CRC-32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// At most 65,535 bytes, with `/` between folder and file.
    pub name: &'a str,
    /// In bytes.
    pub size: u64,
    pub changed: Changed,
}

impl Entry<'_> {
    /// The header before the file's bytes (4.3.7).
    pub fn local(&self, crc: u32) -> Vec<u8> {
        let sizes = [self.size; 2];
        let large = (self.size >= u64::from(IN_ZIP64_32)).then_some(&sizes[..]);
        let mut bytes = Bytes::default();
        bytes.u32(0x0403_4b50).u16(if large.is_some() { ZIP64 } else { PLAIN });
        let extra = self.facts(&mut bytes, crc, large);
        bytes.0.extend(self.name.as_bytes());
        bytes.0.extend(extra);
        bytes.0
    }

    /// The header in the directory at the end (4.3.12). `offset` is where the local header is.
    pub fn central(&self, crc: u32, offset: u64) -> Vec<u8> {
        let mut large = Vec::new();
        if self.size >= u64::from(IN_ZIP64_32) {
            large.extend([self.size; 2]);
        }
        if offset >= u64::from(IN_ZIP64_32) {
            large.push(offset);
        }
        let large = (!large.is_empty()).then_some(&large[..]);
        let needed = if large.is_some() { ZIP64 } else { PLAIN };
        let mut bytes = Bytes::default();
        bytes.u32(0x0201_4b50).u16(UNIX | needed).u16(needed);
        let extra = self.facts(&mut bytes, crc, large);
        // No comment, and all on the first disk.
        bytes.u16(0).u16(0).u16(0).u32(MODE).u32(small(offset));
        bytes.0.extend(self.name.as_bytes());
        bytes.0.extend(extra);
        bytes.0
    }

    /// What both headers say alike; returns the extra fields.
    fn facts(&self, bytes: &mut Bytes, crc: u32, large: Option<&[u64]>) -> Vec<u8> {
        let extra = self.extra(large);
        let (date, time) = self.changed.dos();
        let size = small(self.size);
        bytes.u16(UTF_8).u16(STORED).u16(time).u16(date).u32(crc).u32(size).u32(size);
        bytes.u16(self.name.len() as u16).u16(extra.len() as u16);
        extra
    }

    fn extra(&self, large: Option<&[u64]>) -> Vec<u8> {
        let mut bytes = Bytes::default();
        if let Some(large) = large {
            bytes.u16(0x0001).u16(8 * large.len() as u16);
            large.iter().for_each(|value| bytes.0.extend(value.to_le_bytes()));
        }
        // The extended timestamp of Info-ZIP, which has a zone and seconds, ends in 2038.
        if let Ok(unix) = i32::try_from(self.changed.unix) {
            bytes.u16(0x5455).u16(5);
            bytes.0.push(1);
            bytes.0.extend(unix.to_le_bytes());
        }
        bytes.0
    }
}

impl Changed {
    /// The date and time of MS-DOS (4.4.6): local, in steps of two seconds, from 1980 to 2107.
    fn dos(self) -> (u16, u16) {
        let (year, month, day, hour, minute, second) = self.shown;
        let part = |value: i8, shift: u16| (value.max(0) as u16) << shift;
        match year {
            ..1980 => (1 << 5 | 1, 0),
            1980..=2107 => (
                ((year - 1980) as u16) << 9 | part(month, 5) | part(day, 0),
                part(hour, 11) | part(minute, 5) | part(second.min(59) / 2, 0),
            ),
            2108.. => (127 << 9 | 12 << 5 | 31, 23 << 11 | 59 << 5 | 29),
        }
    }
}

/// The end of an archive (4.3.14 to 4.3.16): the directory begins at `offset` and has `size` bytes.
pub(crate) fn end(entries: u64, offset: u64, size: u64) -> Vec<u8> {
    let count = u16::try_from(entries).unwrap_or(IN_ZIP64_16);
    let large = count == IN_ZIP64_16 || small(offset).max(small(size)) == IN_ZIP64_32;
    let mut bytes = Bytes::default();
    if large {
        bytes.u32(0x0606_4b50).u64(44).u16(UNIX | ZIP64).u16(ZIP64).u32(0).u32(0);
        bytes.u64(entries).u64(entries).u64(size).u64(offset);
        bytes.u32(0x0706_4b50).u32(0).u64(offset + size).u32(1);
    }
    bytes.u32(0x0605_4b50).u16(0).u16(0).u16(count).u16(count);
    bytes.u32(small(size)).u32(small(offset)).u16(0);
    bytes.0
}

fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(IN_ZIP64_32)
}

/// Little-endian numbers, one after the other.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Seek, SeekFrom, Write};

    use ::zip::ZipArchive;
    use proptest::prelude::*;

    use super::*;

    const CHANGED: Changed = Changed { unix: 1_795_948_265, shown: (2026, 11, 29, 10, 31, 5) };

    fn crc(bytes: &[u8]) -> u32 {
        crc32fast::hash(bytes)
    }

    /// Writes an archive of entries with these names and bytes.
    fn archive(files: &[(String, Vec<u8>)], changed: Changed) -> Vec<u8> {
        let entry = |(name, bytes): &'_ (String, Vec<u8>)| (name.clone(), bytes.len() as u64);
        let (mut out, mut directory) = (Vec::new(), Vec::new());
        for (file, (name, size)) in files.iter().map(|file| (file, entry(file))) {
            let entry = Entry { name: &name, size, changed };
            directory.extend(entry.central(crc(&file.1), out.len() as u64));
            out.extend(entry.local(crc(&file.1)));
            out.extend(&file.1);
        }
        let end = end(files.len() as u64, out.len() as u64, directory.len() as u64);
        out.extend(directory);
        out.extend(end);
        out
    }

    #[test]
    fn an_entry_has_the_bytes_that_the_format_names() {
        let entry = Entry { name: "a/é.jpg", size: 3, changed: CHANGED };
        let local = entry.local(0x0403_0201);
        let expected = [
            &b"PK\x03\x04\x14\0\0\x08\0\0"[..],
            // 10:31:04 on 29 November 2026.
            &[0xe2, 0x53, 0x7d, 0x5d],
            b"\x01\x02\x03\x04\x03\0\0\0\x03\0\0\0\x08\0\x09\0",
            "a/é.jpg".as_bytes(),
            b"UT\x05\0\x01",
            &1_795_948_265_u32.to_le_bytes(),
        ];
        assert_eq!(local, expected.concat());
        assert_eq!(entry.central(0, 0).len(), local.len() + 16);
    }

    #[test]
    fn dates_that_the_format_cannot_say_are_the_nearest_that_it_can() {
        let dos = |year| Changed { unix: 0, shown: (year, 6, 7, 8, 9, 59) }.dos();
        assert_eq!(dos(1970), (0x21, 0));
        assert_eq!(dos(1980), (6 << 5 | 7, 8 << 11 | 9 << 5 | 29));
        assert_eq!(dos(2107), (127 << 9 | 6 << 5 | 7, 8 << 11 | 9 << 5 | 29));
        assert_eq!(dos(9999).0 >> 9, 127);
        let late = Changed { unix: i64::from(i32::MAX) + 1, ..CHANGED };
        let entry = Entry { name: "a", size: 0, changed: late };
        assert_eq!(entry.local(0).len(), 31, "without an extended timestamp");
    }

    #[test]
    fn more_than_65535_entries_are_read_back() {
        let files: Vec<_> = (0..65_537).map(|n| (format!("{n}"), Vec::new())).collect();
        for files in [&files[..65_534], &files[..65_535], &files] {
            let read = ZipArchive::new(Cursor::new(archive(files, CHANGED))).unwrap();
            assert_eq!(read.len(), files.len());
        }
    }

    #[test]
    fn sizes_and_offsets_beyond_4_gib_are_read_back() {
        let sizes = [(u64::from(u32::MAX)) - 1, u64::from(u32::MAX), 5 << 30, 1];
        let mut file = tempfile::tempfile().unwrap();
        let (mut directory, mut offset) = (Vec::new(), 0);
        for (n, size) in sizes.into_iter().enumerate() {
            let name = n.to_string();
            let entry = Entry { name: &name, size, changed: CHANGED };
            let local = entry.local(7);
            file.seek(SeekFrom::Start(offset)).unwrap();
            file.write_all(&local).unwrap();
            directory.extend(entry.central(7, offset));
            offset += local.len() as u64 + size;
        }
        file.seek(SeekFrom::Start(offset)).unwrap();
        file.write_all(&directory).unwrap();
        file.write_all(&end(4, offset, directory.len() as u64)).unwrap();
        let mut read = ZipArchive::new(file).unwrap();
        for (n, size) in sizes.into_iter().enumerate() {
            let entry = read.by_index(n).unwrap();
            assert_eq!((&*entry.name().unwrap(), entry.size()), (&*n.to_string(), size));
            assert_eq!(entry.crc32(), 7);
        }
    }

    proptest! {
        #[test]
        fn another_reader_finds_what_was_written(
            files in prop::collection::btree_map("[^\\x00/\\\\:]{1,40}", prop::collection::vec(any::<u8>(), 0..2000), 0..8),
            unix in any::<i64>(),
            year in any::<i16>(),
        ) {
            let files: Vec<_> = files.into_iter().collect();
            let changed = Changed { unix, shown: (year, 1, 2, 3, 4, 5) };
            let bytes = archive(&files, changed);
            let mut read = ZipArchive::new(Cursor::new(&bytes)).unwrap();
            prop_assert_eq!(read.len(), files.len());
            for (n, (name, bytes)) in files.iter().enumerate() {
                let mut entry = read.by_index(n).unwrap();
                prop_assert_eq!(&*entry.name().unwrap(), name);
                let mut found = Vec::new();
                entry.read_to_end(&mut found).unwrap();
                prop_assert_eq!(&found, bytes);
            }
        }
    }
}
