//! The pictures made from a camera's frames: the live sizes at the wanted rates, and the preview.
//! Each picture is encoded once, stamped, and put into the slots of its topics.

use std::time::Duration;

use bytes::Bytes;
use wire::jpeg::{self, APP0, APP15, COM};
use wire::{CameraId, Root, Size, Stamp, Topic, limits};

use crate::outgoing::slot::{Picture, Slots};
use crate::outgoing::stats::{Counters, Ticket};
use crate::picture::luma::LumaTap;
use crate::picture::pool::Pool;
use crate::picture::raw::pixels::Layout;
use crate::picture::raw::planes::Planes;
use crate::picture::sizes::{self, Lend, Sizes};
use crate::picture::wants::Pacer;

/// How often an unchanged picture is sent, so that it does not look stale.
const AGAIN: Duration = limits::PREVIEW_EVERY;

/// How many failures in a row make a camera's frames count as irreducible.
const HOPELESS: u32 = 10;

/// The destinations of a camera's pictures, their rates, and the last pictures sent.
pub(crate) struct Pictures {
    live: [Output; 3],
    preview: Output,
    luma: LumaTap,
    /// The step at which to lend this frame.
    lent: Option<usize>,
    sizes: Sizes,
    steps: Vec<usize>,
    pool: Pool,
    /// How many frames in a row could not be reduced.
    hopeless: u32,
}

#[derive(Debug)]
struct Output {
    topic: String,
    step: usize,
    pacer: Pacer,
    /// This frame must go there.
    due: bool,
    last: Option<Sent>,
}

#[derive(Debug)]
struct Sent {
    jpeg: Bytes,
    at: Duration,
}

/// The destinations of this frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// A viewer.
    pub live: bool,
    /// At least the broker.
    pub any: bool,
    /// A consumer in this process wants its luma, even without a broker.
    pub luma: bool,
}

impl Pictures {
    /// For the topics of a camera, and for the consumer at `luma`.
    pub fn new(root: &Root, id: &CameraId, luma: LumaTap) -> Self {
        let output = |topic: Topic, step| Output {
            topic: topic.under(root).to_string(),
            step,
            pacer: Pacer::default(),
            due: false,
            last: None,
        };
        Pictures {
            live: Size::ALL.map(|size| output(Topic::Live(id.clone(), size), sizes::step(size))),
            preview: output(Topic::Preview(id.clone()), 1),
            luma,
            lent: None,
            sizes: Sizes::default(),
            steps: Vec::new(),
            pool: Pool::default(),
            hopeless: 0,
        }
    }

    /// A new stream begins.
    pub fn restart(&mut self) {
        self.hopeless = 0;
        for output in self.live.iter_mut().chain([&mut self.preview]) {
            output.pacer = Pacer::default();
        }
    }

    /// The sizes on offer.
    pub fn offered(&self, layout: &Layout) -> &'static [Size] {
        if self.hopeless >= HOPELESS { &[Size::Full] } else { sizes::offered(layout) }
    }

    /// Decides where the frame captured at `at` goes. Ask this for each usable frame. `rates` are
    /// the wanted rates of the live sizes, in the order of [`Size::ALL`].
    ///
    /// A late frame goes only where nothing must be computed for it: the computation would take
    /// time in which a newer frame arrives.
    pub fn due(&mut self, layout: &Layout, rates: [f32; 3], late: bool, at: Duration) -> Due {
        // An irreducible frame is shown as it is rather than not at all.
        let is_hopeless = self.hopeless >= HOPELESS;
        self.preview.step = if is_hopeless { 1 } else { sizes::preview_step(layout) };
        let is_jpeg = layout.coding.is_jpeg();
        let preview = 1.0 / limits::PREVIEW_EVERY.as_secs_f32();
        let outputs = self.live.iter_mut().zip(rates).chain([(&mut self.preview, preview)]);
        for (output, rate) in outputs {
            let is_work = !is_jpeg || output.step > 1;
            output.due = !(late && is_work) && output.pacer.passes(rate, at);
        }
        let live = self.live.iter().any(|output| output.due);
        let can_shrink = !is_hopeless && sizes::offered(layout).len() > 1;
        self.lent = if can_shrink { self.luma.due(layout, late, at) } else { None };
        Due { live, any: live || self.preview.due, luma: self.lent.is_some() }
    }

    /// The picture as captured, due or not.
    ///
    /// # Errors
    /// The reason under which stats count a frame that cannot be encoded.
    pub fn full<'a>(&'a mut self, from: From<'a>) -> Result<&'a [u8], &'static str> {
        self.sizes.full(from.layout, from.frame, from.quality)
    }

    /// Lends this frame to the consumer of luma, if no picture of it is wanted.
    pub fn lend(&mut self, from: From<'_>) {
        let From { layout, frame, quality, at } = from;
        let mut lend = |planes: &Planes<'_>| self.luma.lend(planes, at);
        if let Some(step) = self.lent.take() {
            self.sizes.make(layout, frame, quality, &[], Some((step, &mut lend)), |_, _| {});
        }
    }

    /// Makes the due pictures, puts them into `slots`, and lends the frame's luma.
    ///
    /// The frame ends when all pictures made from it have ended; see [`Ticket`].
    pub fn put(
        &mut self,
        from: From<'_>,
        stamp: &mut Stamp,
        slots: &Slots,
        counters: &Counters,
        ticket: Option<&Ticket>,
    ) {
        let From { layout, frame, quality, at } = from;
        let Pictures { live, preview, luma, lent, sizes, steps, pool, hopeless } = self;
        steps.clear();
        let outputs = live.iter().chain([&*preview]);
        steps.extend(outputs.filter(|output| output.due).map(|output| output.step));
        steps.sort_unstable();
        steps.dedup();
        let mut lend = |planes: &Planes<'_>| luma.lend(planes, at);
        let lend = lent.take().map(|step| (step, &mut lend as Lend<'_>));
        sizes.make(layout, frame, quality, steps, lend, |step, made| {
            if step > 1 {
                *hopeless = if made.is_ok() { 0 } else { hopeless.saturating_add(1) };
            }
            let live = live.iter_mut().map(|output| (output, ticket));
            let outputs = live.chain([(&mut *preview, None)]);
            let mut stamped = None;
            for (output, ticket) in outputs.filter(|(output, _)| output.due && output.step == step)
            {
                let result = made.and_then(|jpeg| {
                    if ticket.is_some() && output.shows(jpeg, at) {
                        return Err("unchanged");
                    }
                    match &stamped {
                        Some(stamped) => Ok(Bytes::clone(stamped)),
                        None => Ok(stamped.insert(stamp_into(pool, stamp, jpeg, at)?).clone()),
                    }
                });
                match (result, ticket) {
                    (Ok(jpeg), _) => {
                        output.last = Some(Sent { jpeg: jpeg.clone(), at });
                        let (counters, ticket) = (counters.clone(), ticket.cloned());
                        slots.put(Picture { topic: output.topic.clone(), jpeg, counters, ticket });
                    }
                    (Err(reason), Some(ticket)) => ticket.clone().dropped(reason),
                    (Err(_), None) => {}
                }
            }
        });
    }
}

/// A frame, and how to encode it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct From<'a> {
    pub layout: &'a Layout,
    /// A whole JPEG if the layout says so.
    pub frame: &'a [u8],
    pub quality: u8,
    /// When it was captured, by the monotonic clock.
    pub at: Duration,
}

impl Output {
    /// Whether the picture was sent a short time ago.
    fn shows(&self, jpeg: &[u8], at: Duration) -> bool {
        self.last.as_ref().is_some_and(|last| {
            at.saturating_sub(last.at) < AGAIN && body(&last.jpeg) == body(jpeg)
        })
    }
}

/// A picture without the metadata at its start, which differs from frame to frame.
fn body(jpeg: &[u8]) -> &[u8] {
    let told = |marker| marker == COM || (APP0..=APP15).contains(&marker);
    let mut segments = jpeg::segments(jpeg).map_while(Result::ok);
    let start = segments.find(|segment| !told(segment.marker)).map(|segment| segment.start);
    start.and_then(|start| jpeg.get(start..)).unwrap_or(jpeg)
}

fn stamp_into(
    pool: &mut Pool,
    stamp: &mut Stamp,
    jpeg: &[u8],
    at: Duration,
) -> Result<Bytes, &'static str> {
    if let Some(ages) = &mut stamp.ages {
        ages.made = clock::micros(clock::monotonic().saturating_sub(at));
    }
    let mut stamped = pool.take();
    stamp.insert(jpeg, &mut stamped).map_err(|_| "garbage")?;
    let stamped = pool.give(stamped);
    if stamped.len() > limits::PICTURE { Err("too-large") } else { Ok(stamped) }
}

#[cfg(test)]
mod tests;
