//! The live pictures of one page: what it watches, and which frame to send next.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use traffic::Traffic;
use wire::CameraId;
use wire::frame::{CLOCK_UNKNOWN, HEADER, Header, MAY_WAIT};
use wire::page::{Measured, TILES, Tile};

use super::credits::Credits;
use super::meter::Meter;
use crate::live::frames::{Frame, Frames, Inbox, Wanted, Watch};
use crate::now::{self, Micros, Now};

/// The times in a header are accurate to this many milliseconds.
const SAME: f64 = 10.0;

/// The highest rate of a tile, in frames a second.
const FPS_MOST: f32 = 60.0;

/// The live pictures of one page, see the module.
#[derive(Debug)]
pub(super) struct Live {
    frames: Arc<Frames>,
    pub inbox: Arc<Inbox>,
    credits: Credits,
    tiles: HashMap<u16, (Watch, Wanted)>,
    paused: bool,
    /// Present while the page measures.
    meter: Option<Meter>,
    /// Who watches what passes.
    pub traffic: Traffic,
}

/// What to do now.
pub(super) enum Next {
    /// Send this frame for a tile.
    Send([u8; HEADER], u16, Arc<Frame>),
    /// Wait for an answer or a frame, or until this time if a tile's rate holds one back.
    Wait(Option<Micros>),
}

impl Live {
    pub fn new(frames: Arc<Frames>) -> Self {
        Live {
            frames,
            inbox: Arc::default(),
            credits: Credits::default(),
            tiles: HashMap::new(),
            paused: false,
            meter: None,
            traffic: Traffic::default(),
        }
    }

    /// Takes the next frame, if one may be sent now.
    pub fn next(&mut self) -> Next {
        let mut waiting = self.inbox.waiting();
        if waiting.is_empty() {
            return Next::Wait(None);
        }
        let now = Now::read();
        let tile = self.credits.next(now.mono, waiting.tiles());
        let Some((tile, frame)) = tile.and_then(|tile| Some((tile, waiting.take(tile)?))) else {
            return Next::Wait(self.credits.wake(now.mono, waiting.tiles()));
        };
        drop(waiting);
        let header = self.header(&frame, tile, now);
        let waits = header.flags & MAY_WAIT != 0;
        self.credits.sent(header.serial, tile, frame.jpeg.len(), waits, now.mono);
        if let Some(meter) = &mut self.meter {
            meter.sent(header.serial, tile, &frame, now.mono);
        }
        Next::Send(header.to_bytes(), tile, frame)
    }

    /// The page has this frame of a tile.
    pub fn sent(&self, tile: u16, frame: &Frame, now: Micros) {
        if self.traffic.is_watched()
            && let Some((watch, _)) = self.tiles.get(&tile)
        {
            let waited = Duration::from_micros(now.saturating_sub(frame.received));
            let (camera, bytes) = (watch.camera.to_string(), frame.jpeg.len());
            self.traffic.picture(&camera, frame.seq, bytes, waited);
        }
    }

    /// The header of a frame; for many viewers mostly that of the first of them.
    fn header(&self, frame: &Frame, tile: u16, now: Now) -> Header {
        // Measuring would measure the wait.
        let is_measured = self.meter.is_some();
        let waits = !is_measured && self.credits.may_wait(tile, frame.jpeg.len(), now.mono);
        let sent = now.wall as f64 / 1000.0;
        if let Some(first) = frame.first.get()
            && first.tile == tile
            && (waits || first.flags & MAY_WAIT == 0)
            && (0.0..SAME).contains(&(sent - first.sent))
            && !is_measured
            && !self.credits.expects(first.serial)
        {
            return *first;
        }
        let serial = self.frames.serial();
        let (captured, known) = frame.captured_ms(now);
        let flags = if known { 0 } else { CLOCK_UNKNOWN } | if waits { MAY_WAIT } else { 0 };
        let header = Header { serial, tile, flags, seq: frame.seq, captured, sent };
        if frame.jpeg.is_for_many() {
            frame.first.get_or_init(|| header);
        }
        header
    }

    /// The page drew or discarded these frames.
    ///
    /// # Errors
    /// No such frame was sent, or it was answered before.
    pub fn answered(&mut self, serials: &[[u8; 4]]) -> Result<(), String> {
        let now = now::mono();
        for serial in serials.iter().map(|serial| u32::from_le_bytes(*serial)) {
            if !self.credits.answered(serial, now) {
                return Err(format!("no frame {serial} waits for an answer"));
            }
            if let Some(meter) = &mut self.meter {
                meter.answered(serial, now);
            }
        }
        Ok(())
    }

    /// The page shows these tiles from now on. Those whose camera it may not see stay as dark as
    /// those whose camera does not exist.
    ///
    /// # Errors
    /// What is wrong with the tiles.
    pub fn watch(
        &mut self,
        tiles: Vec<Tile>,
        may: impl Fn(&CameraId) -> bool,
    ) -> Result<(), String> {
        if tiles.len() > TILES {
            return Err(format!("{} tiles; the most is {TILES}", tiles.len()));
        }
        let mut old = std::mem::take(&mut self.tiles);
        let mut known = HashSet::new();
        for Tile { tile, camera, width, fps } in tiles {
            if !(0.0..=wire::limits::FPS).contains(&fps) {
                return Err(format!("tile {tile} wants {fps} frames a second"));
            }
            if !known.insert(tile) {
                return Err(format!("tile {tile} is there twice"));
            }
            if !may(&camera) {
                continue;
            }
            let wanted = Wanted { fps: fps.min(FPS_MOST), width };
            // What is watched already stays wanted without a gap.
            let watch = match old.remove(&tile) {
                Some((watch, _)) if watch.camera == camera => watch,
                other => {
                    // The old watch ends first, because it clears the tile's slot in the inbox.
                    drop(other);
                    self.frames.watch(camera, tile, &self.inbox)
                }
            };
            self.tiles.insert(tile, (watch, wanted));
        }
        drop(old);
        self.credits.watch(self.tiles.iter().map(|(tile, (_, wanted))| (*tile, wanted.fps)));
        self.ask();
        Ok(())
    }

    /// The page is hidden, or shown again.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
        self.credits.pause(paused);
        self.ask();
    }

    fn ask(&self) {
        for (watch, wanted) in self.tiles.values() {
            watch.ask(if self.paused { Wanted::NOTHING } else { *wanted });
        }
    }

    /// The page begins or ends measuring.
    pub fn measure(&mut self, on: bool) {
        self.meter = on.then(|| Meter::new(now::mono()));
    }

    pub fn is_measured(&self) -> bool {
        self.meter.is_some()
    }

    /// What the page got since the last call.
    pub fn measured(&mut self) -> Vec<Measured> {
        self.meter.as_mut().map(|meter| meter.take(now::mono())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::clocks::Captured;
    use std::sync::OnceLock;

    fn watcher(frames: &Arc<Frames>, tile: u16) -> Live {
        let mut live = Live::new(frames.clone());
        watch(&mut live, tile);
        live
    }

    fn watch(live: &mut Live, tile: u16) {
        let camera = "pi/door".parse().unwrap();
        let tile = Tile { tile, camera, width: 640, fps: 60.0 };
        live.watch(vec![tile], |_| true).unwrap();
    }

    /// Shows a picture to all viewers.
    fn show(frames: &Frames) {
        let (now, jpeg) = (Now::read().mono, bytes::Bytes::from_static(b"jpeg").into());
        let captured = Captured { at: now, known: true };
        let (boot, first, memory) = ("b".into(), OnceLock::new(), None);
        let (size, ages, received, mono) = (None, None, now, now);
        let frame =
            Frame { jpeg, seq: 7, captured, received, size, ages, mono, boot, first, memory };
        frames.offer(&"pi/door".parse().unwrap(), frame).unwrap();
    }

    /// The next frame, when its tile's rate allows it.
    fn next(live: &mut Live) -> Header {
        loop {
            match live.next() {
                Next::Send(header, ..) => return Header::parse(&header).unwrap().0,
                Next::Wait(until) => assert!(until.is_some(), "nothing is sent"),
            }
        }
    }

    #[test]
    fn many_are_told_the_same_where_it_fits() {
        let frames = Arc::new(Frames::default());
        let mut pages: Vec<Live> = (0..20).map(|n| watcher(&frames, u16::from(n == 9))).collect();
        pages[10].measure(true);
        show(&frames);
        let first = next(&mut pages[0]);
        let second = next(&mut pages[1]);
        assert!(second == first || second.sent - first.sent >= SAME);
        assert_eq!(next(&mut pages[9]).tile, 1);
        assert_ne!(next(&mut pages[10]).serial, first.serial);
    }

    #[test]
    fn a_page_that_is_sent_a_frame_again_is_told_another_serial() {
        let frames = Arc::new(Frames::default());
        let mut pages: Vec<Live> = (0..20).map(|_| watcher(&frames, 0)).collect();
        let page = &mut pages[0];
        for _ in 0..2 {
            show(&frames);
            let serial = next(page).serial;
            page.answered(&[serial.to_le_bytes()]).unwrap();
        }
        show(&frames);
        let serial = next(page).serial;
        page.watch(Vec::new(), |_| true).unwrap();
        watch(page, 0);
        assert_ne!(next(page).serial, serial);
    }
}
