// Photos: the photo that you take appears on every screen of the class.
//
// The server does not know what passes: what one sends on a WebSocket, all others receive as it is.

let cam; // what your camera sees
let socket; // the connection to the others
const photos = []; // the photos that came: {picture, time}

function setup() {
  createCanvas(640, 480);

  // The browser asks you first. Without HTTPS it lets pages use the camera on this very machine
  // (localhost) only; on the others you can choose a file.
  cam = createCapture(VIDEO);
  cam.size(320, 240);
  cam.hide(); // draw() draws it

  const button = createButton('Take a photo');
  button.position(20, 500);
  button.mousePressed(takePhoto);

  const file = createFileInput(choosePhoto);
  file.position(140, 500);

  connect();
}

function connect() {
  // The same address as the page, with ws: instead of http:
  socket = new WebSocket(location.origin.replace('http', 'ws'));
  socket.onmessage = receive;
  // If the connection breaks, try again after a second.
  socket.onclose = () => setTimeout(connect, 1000);
}

// Send: a picture travels as bytes, in a Blob.
function send(blob) {
  if (socket.readyState === WebSocket.OPEN) socket.send(blob);
}

function takePhoto() {
  const photo = cam.get(); // a picture of p5
  photo.canvas.toBlob(send, 'image/jpeg', 0.85); // JPEG: far smaller than the pixels
}

function choosePhoto(file) {
  if (file.type === 'image') send(file.file);
}

// Receive: the message carries the Blob that somebody sent.
function receive(message) {
  const address = URL.createObjectURL(message.data);
  loadImage(address, (picture) => {
    URL.revokeObjectURL(address); // no longer needed
    photos.push({ picture, time: new Date().toLocaleTimeString() });
    if (photos.length > 3) photos.shift(); // the last three only
  });
}

function draw() {
  background(240);
  image(cam, 20, 20, 320, 240);
  text('Your camera', 20, 280);
  photos.forEach(({ picture, time }, n) => {
    image(picture, 360, 20 + n * 150, 160, 120);
    text(time, 360, 155 + n * 150);
  });
}

// To try:
// - Send a text with socket.send('hello'). What do the others receive? How can you tell text from a photo?
// - Go to another room: new WebSocket(location.origin.replace('http', 'ws') + '/?room=room-2').
