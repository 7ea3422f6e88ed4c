//! The thread that writes.

use std::io;
use std::path::Path;
use std::sync::{Arc, mpsc};

use jiff::tz::TimeZone;
use supervision::Beat;
use wire::limits;

use super::{Job, Request, Shared, Shot};
use crate::outgoing::answers::Refusal;
use crate::picture::jpeg::exif::Exif;
use crate::spool::disk::{Entry, Spool};
use crate::spool::stored::Stored;

/// The state of the thread.
pub(super) struct Writer {
    shared: Arc<Shared>,
    limit: u64,
    open: Option<(Spool, Stored)>,
    /// Bytes of refused snapshots, which count too: they must not fill the disk.
    refused: u64,
    /// The largest snapshot since the last that could be kept.
    needed: u64,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, limit: u64) -> Self {
        Writer { shared, limit, open: None, refused: 0, needed: 0 }
    }

    /// Works until it must end, or nobody can ask any more.
    pub fn run(&mut self, jobs: &mpsc::Receiver<Job>, beat: &Beat) {
        while let Ok(first) = jobs.recv() {
            beat.beat();
            let mut shots = Vec::new();
            let (mut removed, mut refused) = (Vec::new(), Vec::new());
            let (mut is_look, mut is_end) = (false, false);
            for job in [first].into_iter().chain(jobs.try_iter()) {
                match job {
                    Job::Keep(shot) => shots.push(shot),
                    Job::Remove(entry) => removed.push(entry),
                    Job::Refuse(entry, why) => refused.push((entry, why)),
                    Job::Look => is_look = true,
                    Job::End => is_end = true,
                }
            }
            // New photos may need their room.
            self.remove(&removed);
            self.refuse(refused);
            self.keep(shots);
            if is_look {
                self.look();
            }
            if is_end {
                return;
            }
        }
    }

    /// Opens the spool if needed, and finds what waits in it.
    pub fn open(&mut self) -> io::Result<()> {
        if self.open.is_some() {
            return Ok(());
        }
        let folder: &Path = &self.shared.folder;
        let (spool, found) = Spool::open(folder)?;
        let (stored, recent) = Stored::open(folder)?;
        let refused = spool.refused()?;
        self.refused = refused.iter().map(|entry| entry.bytes).sum();
        let mut state = self.shared.state();
        state.refused.extend(refused.iter().map(|entry| entry.id.clone()));
        for entry in found {
            // A crash came between the note that it is stored and its removal.
            if recent.contains(&entry.id) {
                spool.remove(&entry)?;
            } else {
                state.enter(entry);
            }
        }
        state.stored = recent;
        if !state.waiting.is_empty() {
            state.begin();
            self.shared.changed.notify_one();
            let (photos, bytes) = (state.waiting.len(), state.bytes);
            tracing::info!(photos, bytes, "snapshots wait in the spool for a gallery");
        }
        if !refused.is_empty() {
            let (photos, bytes) = (refused.len(), self.refused);
            tracing::warn!(photos, bytes, folder = %folder.join("refused").display(), "the node keeps snapshots that galleries refused; look at them and delete them");
        }
        drop(state);
        self.open = Some((spool, stored));
        Ok(())
    }

    fn keep(&mut self, shots: Vec<Shot>) {
        if shots.is_empty() {
            return;
        }
        let count = shots.len();
        let mut written = Vec::new();
        for shot in shots {
            let ahead = written.iter().map(|(entry, _): &(Entry, Request)| entry.bytes).sum();
            match self.write(&shot, ahead) {
                Ok(entry) => written.push((entry, shot.request)),
                Err(refusal) => {
                    self.complain(&refusal.why);
                    shot.request.fail(refusal);
                }
            }
        }
        let synced = match &self.open {
            Some((spool, _)) if !written.is_empty() => spool.sync(),
            _ => Ok(()),
        };
        match synced {
            Ok(()) => {
                if !written.is_empty() {
                    self.mended();
                }
                for (entry, request) in written {
                    {
                        let mut state = self.shared.state();
                        state.offers.add(entry.id.clone());
                        state.enter(entry);
                    }
                    request.done();
                }
            }
            Err(error) => {
                let refusal = reason(&error);
                self.complain(&refusal.why);
                for (entry, request) in written {
                    if let Some((spool, _)) = &self.open {
                        spool.remove(&entry).ok();
                    }
                    request.fail(refusal.clone());
                }
            }
        }
        self.shared.state().handed -= count;
        self.shared.changed.notify_one();
    }

    /// Writes one; `ahead` bytes of others are written but not yet counted.
    fn write(&mut self, shot: &Shot, ahead: u64) -> Result<Entry, Refusal> {
        self.open().map_err(|error| reason(&error))?;
        let id = &shot.request.id;
        let mut stamp = shot.stamp.clone();
        stamp.photo = Some(id.clone());
        let exif = Exif { at: stamp.at, model: &shot.model, photo: id };
        let mut jpeg = Vec::new();
        exif.insert(&shot.jpeg, &TimeZone::system())
            .and_then(|with_exif| stamp.insert(&with_exif, &mut jpeg))
            .map_err(|error| format!("the camera gave no picture: {error}"))?;
        if jpeg.len() > limits::PICTURE {
            return Err("the picture is larger than 10 MiB; choose a smaller size".into());
        }
        let bytes = ahead + jpeg.len() as u64;
        self.needed = self.needed.max(jpeg.len() as u64);
        if !self.has_room(bytes) {
            return Err(self.full());
        }
        let Some((spool, _)) = &mut self.open else { return Err(self.full()) };
        spool.write(&stamp.camera.camera, id, &jpeg).map_err(|error| reason(&error))
    }

    fn has_room(&mut self, bytes: u64) -> bool {
        let waiting = self.shared.state().bytes;
        if waiting + self.refused + bytes <= self.limit {
            return true;
        }
        self.count_refused();
        waiting + self.refused + bytes <= self.limit
    }

    /// Somebody may have deleted refused photos.
    fn count_refused(&mut self) {
        if let Some((spool, _)) = &self.open
            && let Ok(refused) = spool.refused()
        {
            self.refused = refused.iter().map(|entry| entry.bytes).sum();
            self.shared.state().refused = refused.into_iter().map(|entry| entry.id).collect();
        }
    }

    fn full(&self) -> Refusal {
        let cure = if self.refused > self.limit / 2 {
            "galleries refused most of it, which is in spool/refused; delete that"
        } else {
            "it empties when a gallery stores what waits in it, or set node.spool to more"
        };
        Refusal::storage(format!("the node's spool is full ({} bytes): {cure}", self.limit))
    }

    fn remove(&mut self, entries: &[Entry]) {
        let (false, Some((spool, stored))) = (entries.is_empty(), &mut self.open) else { return };
        // The note goes first: without it, a repeated request would take the photo twice.
        let ids = || entries.iter().map(|entry| &entry.id);
        let noted = stored.add(ids());
        for entry in entries {
            if let Err(error) = spool.remove(entry) {
                tracing::warn!(photo = %entry.id, %error, "cannot remove a stored snapshot from the spool");
            }
        }
        // A full disk may have room now.
        if let Err(error) = noted.or_else(|_| stored.add(ids())) {
            tracing::warn!(%error, "cannot save the ids of stored photos");
        }
    }

    fn refuse(&mut self, refused: Vec<(Entry, String)>) {
        for (entry, why) in refused {
            let Some((spool, _)) = &self.open else { return };
            match spool.refuse(&entry) {
                Ok(path) => {
                    self.refused += entry.bytes;
                    tracing::warn!(photo = %entry.id, camera = %entry.camera, file = %path.display(), "a gallery refused a snapshot, which the node keeps: {why}");
                }
                Err(error) => {
                    tracing::warn!(photo = %entry.id, %error, "cannot set aside a snapshot that a gallery refused ({why})");
                }
            }
        }
    }

    /// Checks whether what did not fit before would fit now.
    fn look(&mut self) {
        self.count_refused();
        self.shared.state().is_looking = false;
        if self.shared.state().trouble.is_none() || self.open().is_err() {
            return;
        }
        let needed = self.needed;
        let has_room = |(spool, _): &(Spool, _)| spool.reserve(needed).is_ok();
        if self.has_room(needed) && self.open.as_ref().is_some_and(has_room) {
            self.mended();
        }
    }

    /// Notes why nothing can be kept, and logs each reason once.
    pub fn complain(&mut self, why: &str) {
        let mut state = self.shared.state();
        if state.trouble.as_deref() != Some(why) {
            tracing::warn!("cannot take photos: {why}");
            state.trouble = Some(why.to_owned());
        }
    }

    fn mended(&mut self) {
        self.needed = 0;
        if self.shared.state().trouble.take().is_some() {
            tracing::info!("photos can be taken again");
        }
    }
}

/// Explains a disk error to the asker of a photo.
pub(super) fn reason(error: &io::Error) -> Refusal {
    Refusal::storage(match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the node's disk is full; make room there".to_owned()
        }
        _ => format!("the node cannot keep photos on its disk: {error}"),
    })
}
