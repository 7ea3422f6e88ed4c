// One picture to the gallery, with what part of it has left; fetch cannot tell that.

import { Refusal, refusalText } from "./api";

export function sendPicture(file: File, part: (part: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("image", file, file.name);
    request.upload.onprogress = ({ loaded, total }) => part(total > 0 ? loaded / total : 0);
    request.onload = () => {
      if (request.status === 201) resolve();
      else reject(new Refusal(request.status, refusalText(request.responseText)));
    };
    request.onerror = request.onabort = request.ontimeout = () => reject(new Refusal(0, ""));
    request.open("POST", new URL("upload", document.baseURI));
    request.send(body);
  });
}
