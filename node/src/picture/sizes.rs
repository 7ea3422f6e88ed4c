//! The sizes of a camera's pictures, and how to make them from a frame.
//!
//! A step says how many pixels of each side become one: 1 is the picture as captured, 2 is
//! `half`, 4 is `quarter`.

use wire::{Size, limits};

use crate::picture::jpeg::encode::{Encode, Encoder};
#[cfg(feature = "turbojpeg")]
use crate::picture::jpeg::reduce::Reducer;
use crate::picture::raw::pixels::Layout;
use crate::picture::raw::planes::{Buffer, Planes, Sampling};

/// The possible sizes of a camera's frames: without libjpeg-turbo a JPEG stays as it is.
pub(crate) fn offered(layout: &Layout) -> &'static [Size] {
    if layout.coding.is_jpeg() && !cfg!(feature = "turbojpeg") { &[Size::Full] } else { &Size::ALL }
}

/// The step of a size.
pub(crate) fn step(size: Size) -> usize {
    match size {
        Size::Full => 1,
        Size::Half => 2,
        Size::Quarter => 4,
    }
}

/// The step of the preview: the first one that makes it narrow enough. For a JPEG it is a power of
/// two, because a decoder reduces by those cheaply.
pub(crate) fn preview_step(layout: &Layout) -> usize {
    if offered(layout) == [Size::Full] {
        return 1;
    }
    let step = layout.width.div_ceil(limits::PREVIEW_WIDTH as usize).max(1);
    if layout.coding.is_jpeg() { step.next_power_of_two() } else { step }
}

/// The consumer of a frame's planes.
pub(crate) type Lend<'a> = &'a mut dyn FnMut(&Planes<'_>);

/// Makes the sizes of one frame after another, and reuses its memory.
#[derive(Default)]
pub(crate) struct Sizes {
    encoder: Encoder,
    separated: Buffer,
    shrunk: Buffer,
    #[cfg(feature = "turbojpeg")]
    reducer: Reducer,
}

impl Sizes {
    /// The picture at step 1.
    ///
    /// # Errors
    /// The reason under which stats count a picture that cannot be made.
    pub fn full<'a>(
        &'a mut self,
        layout: &Layout,
        frame: &'a [u8],
        quality: u8,
    ) -> Result<&'a [u8], &'static str> {
        if layout.coding.is_jpeg() {
            return Ok(frame);
        }
        let planes = self.separated.separate(layout, frame)?;
        self.encoder.encode(&planes, quality)
    }

    /// Makes a picture at each of `steps`, ascending, and hands it to `each` as soon as it is made,
    /// or the reason under which stats count its failure.
    ///
    /// `frame` is a whole JPEG if the layout says so, and then step 1 is that JPEG. `luma` is a
    /// step whose Y is lent to a further consumer, encoded or not.
    pub fn make(
        &mut self,
        layout: &Layout,
        frame: &[u8],
        quality: u8,
        steps: &[usize],
        luma: Option<(usize, Lend<'_>)>,
        mut each: impl FnMut(usize, Result<&[u8], &'static str>),
    ) {
        let steps = match steps {
            [1, rest @ ..] if layout.coding.is_jpeg() => {
                each(1, Ok(frame));
                rest
            }
            steps => steps,
        };
        let least = steps.iter().copied().chain(luma.as_ref().map(|luma| luma.0)).min();
        let Some(least) = least else { return };
        // One set of planes serves all sizes, so a frame is taken apart once.
        let (made, planes) = if layout.coding.is_jpeg() {
            let by = least.min(8);
            #[cfg(feature = "turbojpeg")]
            let planes = self.reducer.reduce(frame, by);
            #[cfg(not(feature = "turbojpeg"))]
            let planes = Err("format");
            (by, planes)
        } else {
            (1, self.separated.separate(layout, frame))
        };
        for &step in steps {
            let made = planes.and_then(|planes| match step / made {
                1 => self.encoder.encode(&planes, quality),
                by => self.encoder.encode(&self.shrunk.shrink(&planes, by), quality),
            });
            each(step, made);
        }
        if let (Some((step, lend)), Ok(planes)) = (luma, planes) {
            let grey = Planes { sampling: Sampling::Grey, ..planes };
            match step / made {
                1 => lend(&grey),
                by => lend(&self.shrunk.shrink(&grey, by)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
