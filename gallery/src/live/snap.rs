//! Asking a camera for a photo, and waiting until it is stored.

use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use wire::page::Camera;
use wire::{CameraId, PhotoEvent, PhotoId, Snap, Topic, limits};

use crate::live::hub::Hub;
use crate::now::Now;
use crate::photos::snaps::{SnapError, Snapped};
use crate::photos::store::{Store, StoreError};

impl Hub {
    /// Asks a camera for a photo with `id`, if given, and waits until it is stored, at most as long
    /// as the camera's pace allows ([`limits::snap_within`]). The same id gives the same photo
    /// again, if who asks sees it in their `store`.
    ///
    /// # Errors
    /// [`SnapError`].
    pub async fn snap(
        &self,
        camera: &CameraId,
        id: Option<PhotoId>,
        store: &Store,
    ) -> Result<Snapped, SnapError> {
        // Before the request, so that no answer is missed.
        let (mut stored, mut refusals) = (store.events(), self.ingest.refusals());
        if let Some(id) = &id {
            match store.get(id).await {
                Ok(photo) => return Ok(Snapped { photo, is_new: false }),
                Err(StoreError::Unknown) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let within = limits::snap_within(self.can_snap(camera)?.interval);
        let id = id.unwrap_or_else(|| Now::read().new_id());
        let snap = Snap { id: Some(id.clone()) };
        if !self.ingest.say(Topic::Snap(camera.clone()), snap.to_json()) {
            let busy = "the gallery has too much to say to its broker; try again";
            return Err(SnapError::Refused(busy.to_owned()));
        }
        let answer = async {
            loop {
                tokio::select! {
                    event = stored.recv() => match event {
                        Ok(PhotoEvent::Stored { photo, .. })
                            if photo.id == id && photo.camera.as_ref() == Some(camera) =>
                        {
                            return Ok(*photo);
                        }
                        Ok(_) => {}
                        Err(RecvError::Lagged(_)) => match store.get(&id).await {
                            Err(StoreError::Unknown) => {}
                            found => return Ok(found?),
                        },
                        Err(RecvError::Closed) => return Err(StoreError::Closed.into()),
                    },
                    Ok(refusal) = refusals.recv() => {
                        if refusal.id == id && refusal.node == camera.node {
                            return Err(refusal.why);
                        }
                    }
                }
            }
        };
        match timeout(within, answer).await {
            Ok(answer) => answer.map(|photo| Snapped { photo, is_new: true }),
            Err(_) => Err(SnapError::Late(id)),
        }
    }

    /// The camera, if it can be asked.
    fn can_snap(&self, camera: &CameraId) -> Result<Camera, SnapError> {
        self.store.may_store()?;
        if let Some(why) = self.faults().into_iter().next() {
            return Err(SnapError::Refused(why));
        }
        let known = self.camera(camera).ok_or_else(|| SnapError::Unknown(camera.clone()))?;
        if camera.node.is_browser() {
            return Err(SnapError::Browser(known.name));
        }
        match known.reason {
            Some(_) => Err(SnapError::Refused(known.detail)),
            None => Ok(known),
        }
    }
}
