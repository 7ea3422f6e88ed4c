//! Many photos as one ZIP archive, sent as it is made: stored and not packed, since photos do not
//! get smaller, so that its length is known before its first byte.
//!
//! The names, sizes and captions come from the index. Each file is read twice, one after the other:
//! its CRC stands before its bytes. What cannot be read by then is replaced by a text of the same
//! length that says so; what changes later ends the archive, so that nobody takes it for whole.

mod names;
#[cfg(test)]
mod tests;
mod zip;

use std::io::{self, Read};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use bytes::Bytes;
use crc32fast::Hasher;
use futures_util::stream::{self, Stream};
use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tracing::warn;
use wire::{MediaType, Photo, PhotoId};

use crate::photos::store::{BlobReader, Store};
use names::Names;
use zip::{Changed, Entry};

/// How much is read and sent at once.
const PIECE: usize = 64 * 1024;

/// The text file with the captions.
const CAPTIONS: &str = "captions.txt";

/// What is in place of a photo that cannot be read.
const EXCUSE: &[u8] =
    b"This photo could not be read when the ZIP was made. The gallery's log says why.\n";

/// The photos for an archive, in any order.
#[derive(Debug)]
pub(crate) struct Plan {
    zone: TimeZone,
    photos: Vec<Planned>,
    memory: usize,
}

#[derive(Debug)]
struct Planned {
    id: PhotoId,
    media: MediaType,
    taken: u64,
    bytes: u64,
    caption: String,
    /// Where it is from, and later its name in the archive.
    name: String,
    /// Known once it was read.
    crc: u32,
}

/// An archive of which everything is known but the bytes of the photos.
#[derive(Debug)]
pub(crate) struct Archive {
    names: Names,
    /// Those taken first come first.
    photos: Vec<Planned>,
    /// With their CRC-32.
    captions: (Bytes, u32),
    /// The length of the directory at the end, and of all, in bytes.
    directory: u64,
    length: u64,
}

impl Plan {
    /// Names are by the clocks of this zone.
    pub fn new(zone: TimeZone) -> Plan {
        Plan { zone, photos: Vec::new(), memory: 0 }
    }

    pub fn add(&mut self, photo: Photo) {
        let name = names::source(&photo);
        let Photo { id, media, taken, bytes, caption, .. } = photo;
        // A name is kept twice until all are known.
        let texts = id.as_str().len() + caption.len() + 2 * (name.len() + 64);
        self.memory += size_of::<Planned>() + texts;
        self.photos.push(Planned { id, media, taken, bytes, caption, name, crc: 0 });
    }

    pub fn is_empty(&self) -> bool {
        self.photos.is_empty()
    }

    /// How much memory the archive takes while it is sent, in bytes.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Names all photos and computes the length.
    pub fn finish(self) -> Archive {
        let Plan { zone, mut photos, .. } = self;
        photos.sort_by(|a, b| (a.taken, a.id.as_str()).cmp(&(b.taken, b.id.as_str())));
        photos.dedup_by(|a, b| a.id == b.id);
        let (mut names, mut captions) = (Names::new(zone), String::new());
        for photo in &mut photos {
            photo.name = names.give(photo.taken, &photo.name, photo.media.extension());
            let caption = mem::take(&mut photo.caption);
            let words: Vec<&str> = caption.split_whitespace().collect();
            if !words.is_empty() {
                captions += &format!("{}\t{}\n", photo.name, words.join(" "));
            }
        }
        names.forget();
        let mut crc = Hasher::new();
        crc.update(captions.as_bytes());
        let captions = (Bytes::from(captions), crc.finalize());
        let mut archive = Archive { names, photos, captions, directory: 0, length: 0 };
        let (mut offset, mut n) = (0, 0);
        while let Some((entry, crc)) = archive.entry(n) {
            let (local, central) = (entry.local(crc).len(), entry.central(crc, offset).len());
            let size = entry.size;
            archive.directory += central as u64;
            offset += local as u64 + size;
            n += 1;
        }
        let end = zip::end(n as u64, offset, archive.directory).len();
        archive.length = offset + archive.directory + end as u64;
        archive
    }
}

impl Archive {
    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn photos(&self) -> usize {
        self.photos.len()
    }

    /// Such as `vitrina-2026-11-29.zip`, or `vitrina-2026-11-19-20.zip` for several days.
    pub fn name(&self) -> String {
        let day = |photo: Option<&Planned>| {
            photo.map_or_else(String::new, |photo| self.names.day(photo.taken))
        };
        let (first, last) = (day(self.photos.first()), day(self.photos.last()));
        // A part that both have is said once.
        let same = |length: usize| first.get(..length).is_some_and(|part| last.starts_with(part));
        let rest = match () {
            () if first == last => "",
            () if same(8) => &last[7..],
            () if same(5) => &last[4..],
            () => return format!("vitrina-{first}-{last}.zip"),
        };
        format!("vitrina-{first}{rest}.zip")
    }

    /// The archive in pieces; each is read when the one before was taken. It fails when `stop` is
    /// true, when `progress` was cancelled, and when a photo changes while it is sent.
    pub fn send(
        self,
        store: Store,
        progress: Arc<Progress>,
        stop: watch::Receiver<bool>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send {
        let begin = if self.photos.is_empty() { Step::Captions } else { Step::Photo(0) };
        let sending = Sending { archive: self, store, progress, stop, step: begin };
        stream::try_unfold(sending, |mut sending| async move {
            let made = spawn_blocking(move || (sending.piece(), sending));
            let (piece, sending) = made.await.map_err(io::Error::from)?;
            Ok(piece?.map(|piece| (piece, sending)))
        })
    }

    /// The entries one by one, with their CRC-32: the photos, then the captions if there are any.
    fn entry(&self, n: usize) -> Option<(Entry<'_>, u32)> {
        if let Some(photo) = self.photos.get(n) {
            let changed = self.changed(photo.taken);
            return Some((Entry { name: &photo.name, size: photo.bytes, changed }, photo.crc));
        }
        let (captions, crc) = &self.captions;
        let changed = self.changed(self.photos.last().map_or(0, |photo| photo.taken));
        let entry = Entry { name: CAPTIONS, size: captions.len() as u64, changed };
        (n == self.photos.len() && !captions.is_empty()).then_some((entry, *crc))
    }

    fn changed(&self, taken: u64) -> Changed {
        let unix = i64::try_from(taken / 1000).unwrap_or(i64::MAX);
        Changed { unix, shown: self.names.shown(taken) }
    }
}

/// How far an archive has come; who asked for it may look, and end it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bytes: AtomicU64,
    photos: AtomicU64,
    state: AtomicU8,
}

/// What becomes of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Sending,
    /// The last byte was sent.
    Done,
    /// It ended before.
    Failed,
    Cancelled,
}

impl Progress {
    /// Bytes and photos that were sent, and what became of the archive.
    pub fn read(&self) -> (u64, u64, State) {
        let state = match self.state.load(Ordering::Relaxed) {
            0 => State::Sending,
            1 => State::Done,
            2 => State::Failed,
            _ => State::Cancelled,
        };
        (self.bytes.load(Ordering::Relaxed), self.photos.load(Ordering::Relaxed), state)
    }

    /// Ends the archive before its end.
    pub fn cancel(&self) {
        self.end(State::Cancelled);
    }

    /// The first end counts.
    fn end(&self, state: State) {
        let (before, now) = (State::Sending as u8, state as u8);
        // It may have ended already.
        let _ = self.state.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// An archive on its way.
struct Sending {
    archive: Archive,
    store: Store,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
    step: Step,
}

/// What comes next.
enum Step {
    /// The header of this photo.
    Photo(usize),
    /// The rest of its bytes, and the CRC of those before.
    Bytes(usize, BlobReader, u64, Hasher),
    Captions,
    /// The captions from this byte on.
    Text(usize),
    /// What the directory says of this entry and those behind it, and the offset where it begins.
    Directory(usize, u64),
    Nothing,
}

impl Sending {
    /// The next piece; waits for the disk.
    fn piece(&mut self) -> io::Result<Option<Bytes>> {
        if *self.stop.borrow() || self.progress.read().2 == State::Cancelled {
            return Err(io::Error::other("the archive was ended"));
        }
        let piece = match mem::replace(&mut self.step, Step::Nothing) {
            Step::Photo(n) => self.photo(n).into(),
            Step::Bytes(n, reader, left, crc) => self.bytes(n, reader, left, crc)?.into(),
            Step::Captions => self.captions_header().into(),
            Step::Text(at) => self.captions(at),
            Step::Directory(n, at) => self.directory(n, at).into(),
            Step::Nothing => return Ok(None),
        };
        let sent = self.progress.bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
        if sent + piece.len() as u64 == self.archive.length {
            self.progress.end(State::Done);
        }
        Ok(Some(piece))
    }

    /// Reads a photo for its CRC, and makes its header.
    fn photo(&mut self, n: usize) -> Vec<u8> {
        let photo = &mut self.archive.photos[n];
        let (crc, reader) = match twice(photo.bytes, || open(&self.store, photo)) {
            Ok(read) => read,
            Err(error) => {
                warn!(photo = %photo.id, %error, "a ZIP has a text in place of a photo");
                photo.replace();
                let text = || Ok(excuse(photo.bytes));
                twice(photo.bytes, text).unwrap_or_else(|_| (0, Box::new(io::empty())))
            }
        };
        photo.crc = crc;
        self.step = Step::Bytes(n, reader, photo.bytes, Hasher::new());
        self.archive.entry(n).map_or_else(Vec::new, |(entry, crc)| entry.local(crc))
    }

    fn bytes(
        &mut self,
        n: usize,
        mut reader: BlobReader,
        left: u64,
        mut crc: Hasher,
    ) -> io::Result<Vec<u8>> {
        let length = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; length];
        let read = reader.read_exact(&mut piece);
        crc.update(&piece);
        let left = left - length as u64;
        if read.is_ok() && left > 0 {
            self.step = Step::Bytes(n, reader, left, crc);
            return Ok(piece);
        }
        let photo = &self.archive.photos[n];
        let whole = read.and_then(|()| match crc.finalize() == photo.crc {
            true => Ok(()),
            false => Err(io::Error::other("the file changed while it was sent")),
        });
        if let Err(error) = whole {
            warn!(photo = %photo.id, %error, "a ZIP ends early");
            return Err(error);
        }
        self.progress.photos.store(n as u64 + 1, Ordering::Relaxed);
        let is_last = n + 1 == self.archive.photos.len();
        self.step = if is_last { Step::Captions } else { Step::Photo(n + 1) };
        Ok(piece)
    }

    fn captions_header(&mut self) -> Vec<u8> {
        let photos = self.archive.photos.len();
        match self.archive.entry(photos) {
            None => {
                self.step = Step::Directory(0, 0);
                Vec::new()
            }
            Some((entry, crc)) => {
                self.step = Step::Text(0);
                entry.local(crc)
            }
        }
    }

    fn captions(&mut self, at: usize) -> Bytes {
        let captions = &self.archive.captions.0;
        let end = captions.len().min(at + PIECE);
        self.step = if end < captions.len() { Step::Text(end) } else { Step::Directory(0, 0) };
        captions.slice(at..end)
    }

    /// A piece of the directory, and the archive's end behind the last.
    fn directory(&mut self, mut n: usize, mut at: u64) -> Vec<u8> {
        let archive = &self.archive;
        let mut piece = Vec::new();
        while let Some((entry, crc)) = archive.entry(n) {
            if piece.len() >= PIECE {
                self.step = Step::Directory(n, at);
                return piece;
            }
            piece.extend(entry.central(crc, at));
            at += entry.local(crc).len() as u64 + entry.size;
            n += 1;
        }
        // The directory begins where the last entry ends.
        piece.extend(zip::end(n as u64, at, archive.directory));
        piece
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.progress.end(State::Failed);
    }
}

impl Planned {
    /// A text takes its place, whose name and size are as long.
    fn replace(&mut self) {
        let ending = self.media.extension().len();
        self.name.truncate(self.name.len() - ending);
        self.name += if ending == 3 { "txt" } else { "text" };
    }
}

/// The bytes of a photo's file, if it has as many as the index says.
fn open(store: &Store, photo: &Planned) -> io::Result<BlobReader> {
    let blob = store.open_file(&photo.id, photo.taken, photo.media).map_err(io::Error::other)?;
    let size = blob.size();
    if size != photo.bytes {
        let error = format!("the file has {size} bytes, and once had {}", photo.bytes);
        return Err(io::Error::other(error));
    }
    blob.read(0..size).map_err(io::Error::other)
}

/// What stands in place of a photo.
fn excuse(size: u64) -> BlobReader {
    Box::new(EXCUSE.chain(io::repeat(b'\n')).take(size))
}

/// Reads all for its CRC-32, and gives it to be read again.
fn twice(size: u64, open: impl Fn() -> io::Result<BlobReader>) -> io::Result<(u32, BlobReader)> {
    let (mut reader, mut crc, mut left) = (open()?, Hasher::new(), size);
    let mut piece = vec![0; PIECE];
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        reader.read_exact(&mut piece[..length])?;
        crc.update(&piece[..length]);
        left -= length as u64;
    }
    Ok((crc.finalize(), open()?))
}
