// Fotos: la foto que haces aparece en todas las pantallas de la clase.
//
// El servidor no sabe qué pasa por él: lo que uno envía por su WebSocket lo reciben todos los demás, tal como es.

let camara; // lo que ve tu cámara
let socket; // la conexión con los demás
const fotos = []; // las fotos que han llegado: {imagen, hora}

function setup() {
  createCanvas(640, 480);

  // El navegador pide permiso. Sin HTTPS solo deja usar la cámara en el mismo equipo (localhost);
  // en los demás puedes elegir un archivo.
  camara = createCapture(VIDEO);
  camara.size(320, 240);
  camara.hide(); // se dibuja en draw()

  const boton = createButton('Tomar foto');
  boton.position(20, 500);
  boton.mousePressed(tomarFoto);

  const archivo = createFileInput(elegirFoto);
  archivo.position(140, 500);

  conectar();
}

function conectar() {
  // La misma dirección que la página, con ws: en lugar de http:
  socket = new WebSocket(location.origin.replace('http', 'ws'));
  socket.onmessage = recibir;
  // Si la conexión se corta, se intenta otra vez al cabo de un segundo.
  socket.onclose = () => setTimeout(conectar, 1000);
}

// Enviar: una imagen viaja como bytes, en un Blob.
function enviar(blob) {
  if (socket.readyState === WebSocket.OPEN) socket.send(blob);
}

function tomarFoto() {
  const foto = camara.get(); // una imagen de p5
  foto.canvas.toBlob(enviar, 'image/jpeg', 0.85); // JPEG: mucho más pequeño que los píxeles
}

function elegirFoto(archivo) {
  if (archivo.type === 'image') enviar(archivo.file);
}

// Recibir: el mensaje trae el Blob que otro ha enviado.
function recibir(mensaje) {
  const direccion = URL.createObjectURL(mensaje.data);
  loadImage(direccion, (imagen) => {
    URL.revokeObjectURL(direccion); // ya no hace falta
    fotos.push({ imagen, hora: new Date().toLocaleTimeString() });
    if (fotos.length > 3) fotos.shift(); // solo las tres últimas
  });
}

function draw() {
  background(240);
  image(camara, 20, 20, 320, 240);
  text('Tu cámara', 20, 280);
  fotos.forEach(({ imagen, hora }, n) => {
    image(imagen, 360, 20 + n * 150, 160, 120);
    text(hora, 360, 155 + n * 150);
  });
}

// Para probar:
// - Envía un texto con socket.send('hola'). ¿Qué reciben los demás? ¿Cómo sabes si es texto o una foto?
// - Conéctate a otra sala: new WebSocket(location.origin.replace('http', 'ws') + '/?room=aula-2').
