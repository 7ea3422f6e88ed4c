//! Finds the controls of a device, also behind one that cannot be asked for.
//!
//! A driver gives the control behind an id (`V4L2_CTRL_FLAG_NEXT_CTRL`, `vidioc-queryctrl.rst`).
//! Where it must ask the device about that one and gets no answer, as uvcvideo does, it gives the
//! error for ever, and so do all that come after it.

/// What a driver answers about a control.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// Its id and what it is.
    Is(u32, T),
    /// There is one, but it cannot be told what.
    Fails,
    /// There is none.
    None,
}

/// No device has more of them.
const MOST: usize = 256;
/// Where the ids begin of the kinds of controls that cameras have (`v4l2-controls.h`): user,
/// camera, flash, JPEG, image source, image processing, detection, a driver's own, Logitech's.
const KINDS: [u32; 9] = [
    0x0098_0900,
    0x009a_0900,
    0x009c_0900,
    0x009d_0900,
    0x009e_0900,
    0x009f_0900,
    0x00a3_0900,
    0x0800_0000,
    0x0a04_6d00,
];
/// How many ids of each kind are tried.
const EACH: u32 = 64;

/// All controls that can be asked for, in the order of their ids. `next` gives the one behind an
/// id, `exact` that of an id.
pub(crate) fn find<T>(
    mut next: impl FnMut(u32) -> Answer<T>,
    mut exact: impl FnMut(u32) -> Answer<T>,
) -> Vec<(u32, T)> {
    let (mut found, mut last) = (Vec::new(), 0);
    while found.len() < MOST {
        match next(last) {
            // A driver that gives the same ones again and again would keep us for ever.
            Answer::Is(id, control) if id > last => {
                found.push((id, control));
                last = id;
                continue;
            }
            _ => {}
        }
        let mut ids = KINDS.into_iter().flat_map(|kind| kind..kind + EACH).filter(|&id| id > last);
        let behind = ids.find_map(|id| match exact(id) {
            Answer::Is(_, control) => Some((id, Some(control))),
            Answer::Fails => Some((id, None)),
            Answer::None => None,
        });
        let Some((id, control)) = behind else { break };
        found.extend(control.map(|control| (id, control)));
        last = id;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BRIGHTNESS: u32 = 0x0098_0900;
    const EXPOSURE: u32 = 0x009a_0901;

    /// A driver with these controls, some of which fail.
    fn ids(controls: &[(u32, bool)]) -> Vec<u32> {
        let answer = |control: Option<&(u32, bool)>| match control {
            Some(&(id, true)) => Answer::Is(id, ()),
            Some(_) => Answer::Fails,
            None => Answer::None,
        };
        let next = |last| answer(controls.iter().find(|(id, _)| *id > last));
        let exact = |asked| answer(controls.iter().find(|(id, _)| *id == asked));
        find(next, exact).into_iter().map(|(id, ())| id).collect()
    }

    #[test]
    fn a_control_that_fails_hides_no_other() {
        let good = |id| (id, true);
        let all = [good(BRIGHTNESS), good(BRIGHTNESS + 1), (BRIGHTNESS + 2, false), good(EXPOSURE)];
        assert_eq!(ids(&all), [BRIGHTNESS, BRIGHTNESS + 1, EXPOSURE]);
        // The first and the last of a kind, and all.
        let all =
            [(BRIGHTNESS, false), good(BRIGHTNESS + 28), (EXPOSURE, false), good(EXPOSURE + 1)];
        assert_eq!(ids(&all), [BRIGHTNESS + 28, EXPOSURE + 1]);
        assert!(ids(&[(BRIGHTNESS, false), (EXPOSURE, false)]).is_empty());
    }

    #[test]
    fn a_driver_that_never_ends_is_left() {
        let found = find(|_| Answer::Is(7, ()), |_| Answer::None);
        assert_eq!(found.len(), 1, "the same one again and again");
        let found = find(|last| Answer::Is(last + 1, ()), |id| Answer::Is(id, ()));
        assert_eq!(found.len(), MOST);
        let found = find(|_| Answer::<()>::Fails, |_| Answer::Fails);
        assert_eq!(found.len(), 0);
    }

    proptest! {
        #[test]
        fn every_good_control_of_a_camera_is_found(
            offsets in proptest::collection::btree_map((0usize..KINDS.len(), 0..EACH), any::<bool>(), 0..100)
        ) {
            let controls: Vec<(u32, bool)> =
                offsets.into_iter().map(|((kind, offset), good)| (KINDS[kind] + offset, good)).collect();
            let good: Vec<u32> = controls.iter().filter(|one| one.1).map(|one| one.0).collect();
            prop_assert_eq!(ids(&controls), good);
        }
    }
}
