// What the camera of a photo is called now.

import { cameraNames } from "../net/gallery";
import type { Photo } from "./photo";

/** The photo under the present name of its camera. One that is gone has the last that it had. */
export function named(photo: Photo): Photo {
  const name = photo.camera === undefined ? undefined : cameraNames.value.get(photo.camera);
  return name === undefined || name === photo.camera_name ? photo : { ...photo, camera_name: name };
}
