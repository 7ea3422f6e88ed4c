// The words of the projector's page, and how its numbers are written. A newcomer to the class must understand each sentence.
'use strict';

const LANG = document.documentElement.lang;
const number = (value, digits = 0) => value.toLocaleString(LANG, { maximumFractionDigits: digits });

/** Bytes as one says them: `84 kB`, `1,9 MB`. */
function size(bytes) {
  const [value, unit] = bytes < 1000 ? [bytes, 'B'] : bytes < 1e6 ? [bytes / 1e3, 'kB'] : bytes < 1e9 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB'];
  return `${number(value, value < 10 && unit !== 'B' ? 1 : 0)} ${unit}`;
}

/** A time of waiting: `12 ms`, `1,4 s`, `3 min`. */
function time(ms) {
  if (ms < 1000) return `${number(Math.max(1, Math.round(ms)))} ms`;
  return ms < 90_000 ? `${number(ms / 1000, ms < 10_000 ? 1 : 0)} s` : `${number(ms / 60_000)} min`;
}

const SPANISH = {
  address: 'Se entra por', time: 'Hora', way: 'Vía', what: 'Qué', size: 'Tamaño', from: 'De', to: 'A', waited: 'Esperó',
  pause: 'Pausa', slow: 'Red lenta', newest: 'Lo más nuevo o nada', keeps: 'Guardar todo',
  looks: 'Manda quien abre la dirección que salió en la terminal.',
  people: 'A quién', rate: 'Velocidad', delay: 'Retraso',
  here: (count) => `${number(count)} en clase`,
  ways: { websocket: 'WebSocket', socketio: 'Socket.IO', tcp: 'TCP', mqtt: 'MQTT', page: 'Página' },
  messages: (rate) => `${number(rate, rate < 10 ? 1 : 0)} ${rate === 1 ? 'mensaje' : 'mensajes'}/s`,
  pictures: (rate) => `${number(rate, rate < 10 ? 1 : 0)} ${rate === 1 ? 'imagen' : 'imágenes'}/s`,
  more: (names, more) => (more > 0 ? `${names.join(', ')} y ${number(more)} más` : names.join(', ')),
  and: (names) => new Intl.ListFormat('es').format(names),
  goesTo: (count) => `a ${number(count)}`,
  kinds: {
    image: (format) => `imagen ${format}`, dataurl: () => 'imagen como texto', pixels: () => 'píxeles en JSON', json: () => 'JSON', text: () => 'texto',
    bytes: () => 'bytes', event: (name) => `evento «${name}»`, upload: () => 'archivo subido', chat: () => 'texto de chat', line: () => 'línea de bitácora',
    turn: () => 'turno', topic: (name) => name || 'mensaje',
  },
  replaced: (count) => (count === 1 ? '1 no la recibió: había otra más nueva' : `${number(count)} no la recibieron: había otra más nueva`),
  waiting: (count) => (count === 1 ? 'falta 1' : `faltan ${number(count)}`),
  later: (rate, delay) => `${size(rate)}/s, ${time(delay)} más`,
  whom: 'elegir a quién',
  piled: ({ messages, bytes, age }) => (messages === 0 ? 'No espera nada' : `${number(messages)} ${messages === 1 ? 'espera' : 'esperan'}, ${size(bytes)}, desde hace ${time(age)}`),
  others: (count) => `y ${number(count)} más`,
  lost: 'Esta página no llega a la clase. Sigue probando.',
  times: (count) => (count > 1 ? ` (${number(count)} veces)` : ''),
  mistakes: {
    'too-large': (who, { bytes, most, text }) => `${who} envió ${text ? 'un texto' : 'un archivo'} de ${bytes ? size(bytes) : `más de ${size(most)}`}. No pasó: el máximo es ${size(most)}. Nadie más lo notó. ${text ? 'Una imagen pesa menos como JPEG que como números en JSON.' : 'Hazlo más pequeño antes de enviarlo.'}`,
    'too-fast': (who) => `${who} envía sin parar: 200 mensajes por segundo, o más de lo que los demás pueden recibir. Solo se frena a quien lo hace. Envía cada cierto tiempo, no en un bucle sin fin.`,
    'talks-too-fast': (who) => `${who} escribe más deprisa que un mensaje por segundo. Los suyos esperan su turno y no se pierde ninguno. Falta una pausa en el bucle.`,
    'not-text': (who) => `${who} envió al puerto de TCP bytes que no son texto. No pasaron. Envía texto: encode("utf-8").`,
    reconnects: (who) => `${who} se conecta una y otra vez. Nadie más lo nota. Conecta una sola vez, fuera de draw() y de los bucles.`,
    'takes-nothing': (who) => `${who} no lee lo que le llega: esperaban 16 MB y se le desconectó. Nadie más esperó. ¿Duerme la pestaña, o la red es lenta?`,
    protocol: (who, _, way) => `${who} envió algo que no es ${way}, y se le desconectó. ¿Es el programa de otro puerto?`,
    browser: (who) => `${who} abrió un puerto de TCP con un navegador. Ese puerto es para nc y Python; la página está en ${document.body.dataset.address}.`,
    'no-room': (who) => `Desde ${who} hay ya demasiadas conexiones o mensajes. Cierra las pestañas y programas que no usas.`,
    elsewhere: (who) => `Una página de otro sitio, abierta en ${who}, quiso entrar y no puede. Si es de la clase, nómbrala al empezar: vitrina class --origin.`,
    unfinished: (who) => `${who} empezó un mensaje y no lo terminó a tiempo. ¿Se cortó la red?`,
  },
};

const ENGLISH = {
  address: 'Come in at', time: 'Time', way: 'Way', what: 'What', size: 'Size', from: 'From', to: 'To', waited: 'Waited',
  pause: 'Pause', slow: 'Slow network', newest: 'Newest or nothing', keeps: 'Keep everything',
  looks: 'Whoever opens the address that was printed in the terminal can switch.',
  people: 'Whose', rate: 'Speed', delay: 'Delay',
  here: (count) => `${number(count)} in class`,
  ways: { websocket: 'WebSocket', socketio: 'Socket.IO', tcp: 'TCP', mqtt: 'MQTT', page: 'Page' },
  messages: (rate) => `${number(rate, rate < 10 ? 1 : 0)} ${rate === 1 ? 'message' : 'messages'}/s`,
  pictures: (rate) => `${number(rate, rate < 10 ? 1 : 0)} ${rate === 1 ? 'picture' : 'pictures'}/s`,
  more: (names, more) => (more > 0 ? `${names.join(', ')} and ${number(more)} more` : names.join(', ')),
  and: (names) => new Intl.ListFormat('en').format(names),
  goesTo: (count) => `to ${number(count)}`,
  kinds: {
    image: (format) => `${format} picture`, dataurl: () => 'picture as text', pixels: () => 'pixels as JSON', json: () => 'JSON', text: () => 'text',
    bytes: () => 'bytes', event: (name) => `event “${name}”`, upload: () => 'uploaded file', chat: () => 'chat text', line: () => 'logbook line',
    turn: () => 'turn', topic: (name) => name || 'message',
  },
  replaced: (count) => `${number(count)} did not get it: there was a newer one`,
  waiting: (count) => `${number(count)} still to come`,
  later: (rate, delay) => `${size(rate)}/s, ${time(delay)} later`,
  whom: 'choose whose',
  piled: ({ messages, bytes, age }) => (messages === 0 ? 'Nothing waits' : `${number(messages)} ${messages === 1 ? 'waits' : 'wait'}, ${size(bytes)}, for ${time(age)}`),
  others: (count) => `and ${number(count)} more`,
  lost: 'This page does not reach the class. It keeps trying.',
  times: (count) => (count > 1 ? ` (${number(count)} times)` : ''),
  mistakes: {
    'too-large': (who, { bytes, most, text }) => `${who} sent ${text ? 'a text' : 'a file'} of ${bytes ? size(bytes) : `more than ${size(most)}`}. It did not pass: the most is ${size(most)}. Nobody else noticed. ${text ? 'A picture weighs less as JPEG than as numbers in JSON.' : 'Make it smaller before you send it.'}`,
    'too-fast': (who) => `${who} sends without a pause: 200 messages a second, or more than the others can receive. Only the sender is slowed down. Send now and then, not in an endless loop.`,
    'talks-too-fast': (who) => `${who} writes faster than one message a second. They wait their turn, and none is lost. The loop needs a pause.`,
    'not-text': (who) => `${who} sent bytes that are no text to a port of TCP. They did not pass. Send text: encode("utf-8").`,
    reconnects: (who) => `${who} connects again and again. Nobody else notices. Connect once, outside draw() and loops.`,
    'takes-nothing': (who) => `${who} does not read what comes: 16 MB waited, and the connection was closed. Nobody else waited. Does the tab sleep, or is the network slow?`,
    protocol: (who, _, way) => `${who} sent something that is not ${way}, and the connection was closed. Is it a program for another port?`,
    browser: (who) => `${who} opened a port of TCP in a browser. That port is for nc and Python; the page is at ${document.body.dataset.address}.`,
    'no-room': (who) => `There are too many connections or messages from ${who}. Close tabs and programs that you do not use.`,
    elsewhere: (who) => `A page of another site, opened on ${who}, tried to come in and may not. If it is the class's, name it at the start: vitrina class --origin.`,
    unfinished: (who) => `${who} began a message and did not finish it in time. Did the network break?`,
  },
};

const WORDS = LANG === 'en' ? ENGLISH : SPANISH;
