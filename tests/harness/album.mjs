// A gallery's photos that exist nowhere: this answers what the page asks for, so that a
// hundred thousand cost nothing.

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const SHAPES = [[1280, 720], [1280, 720], [640, 480], [3024, 4032]];
const CAMERAS = [['house/door', 'North door'], ['square/stage', 'Stage'], ['garden/nest', 'Nest box']];
/** A grey pixel. */
const PICTURE = Buffer.from('R0lGODlhAQABAIAAAICAgAAAACwAAAAAAQABAAACAkQBADs=', 'base64');

export class Album {
  /** Newest first. */
  photos;
  /** How many requests changed many at once. */
  edits = 0;
  #deleted = new Map();

  /** @param {number} count of photos, over @param {number} days up to `now` */
  constructor(count, days, now = Date.now()) {
    this.photos = Array.from({ length: count }, (_, i) => {
      const taken = now - Math.floor((i * days * 86_400_000) / count);
      const [width, height] = SHAPES[(i * 7919) % 11 % SHAPES.length];
      const [camera, camera_name] = CAMERAS[i % CAMERAS.length];
      return {
        id: ulid(taken, i), taken, time: 'camera', received: taken, type: 'image/jpeg', bytes: 300_000,
        width, height, hash: '', camera, camera_name,
      };
    });
  }

  /** Answers for the gallery on every page of a browser context. */
  async serve(context) {
    await context.route(/\/(api\/)?photos(\/|\?|$)/, (route) => {
      const url = new URL(route.request().url());
      if (!url.pathname.startsWith('/api/')) return route.fulfill({ contentType: 'image/gif', body: PICTURE });
      if (url.pathname === '/api/photos/edits') return route.fulfill({ json: this.#edit(route.request().postDataJSON()) });
      const { json, headers } = this.#answer(url);
      return route.fulfill({ status: json === undefined ? 404 : 200, headers, json: json ?? {} });
    });
  }

  /** Deletes and restores. */
  #edit({ ids, edit }) {
    this.edits++;
    const meant = new Set(ids);
    if (edit === 'delete') {
      for (const photo of this.photos) if (meant.has(photo.id)) this.#deleted.set(photo.id, photo);
      this.photos = this.photos.filter(({ id }) => !meant.has(id));
      return { photos: [], refused: [] };
    }
    const photos = ids.map((id) => this.#deleted.get(id)).filter(Boolean);
    this.photos = [...this.photos, ...photos].sort((a, b) => b.taken - a.taken);
    return { photos, refused: [] };
  }

  #answer({ pathname, searchParams: asked }) {
    const [from, to] = [Number(asked.get('from') ?? 0), Number(asked.get('to') ?? Infinity)];
    const meant = (photo) => photo.taken >= from && photo.taken < to && photo.camera === (asked.get('camera') ?? photo.camera);
    switch (pathname) {
      case '/api/photos': {
        const [before, limit] = [Number(asked.get('before') ?? 0), Number(asked.get('limit'))];
        const all = this.photos.filter(meant);
        const more = new URLSearchParams(asked);
        more.set('before', `${before + limit}`);
        const headers = before + limit < all.length ? { link: `</api/photos?${more}>; rel="next"` } : {};
        return { json: all.slice(before, before + limit), headers };
      }
      case '/api/photos/days':
        return { json: daysOf(this.photos.filter(meant)) };
      case '/api/photos/sources':
        return { json: { cameras: CAMERAS.map(([camera, name]) => ({ camera, name, count: 1 })), people: [] } };
      default: {
        const photo = this.photos.find(({ id }) => pathname === `/api/photos/${id}`);
        return { json: photo && { ...photo, exif: { FNumber: 'f/1.7' } } };
      }
    }
  }
}

/** Days by this machine's clock, which is the browser's too. */
function daysOf(photos) {
  const days = new Map();
  for (const { taken, width, height } of photos) {
    const date = new Date(taken);
    const [y, m, d] = [date.getFullYear(), date.getMonth(), date.getDate()];
    const day = [y, `${m + 1}`.padStart(2, '0'), `${d}`.padStart(2, '0')].join('-');
    const [start, end] = [new Date(y, m, d).getTime(), new Date(y, m, d + 1).getTime()];
    const known = days.get(day) ?? { day, start, end, count: 0, aspect: 0, cameras: CAMERAS.length };
    days.set(day, { ...known, count: known.count + 1, aspect: known.aspect + width / height });
  }
  return [...days.values()];
}

function ulid(time, serial) {
  const digits = (n, count) => Array.from({ length: count }, (_, i) => BASE32[Math.floor(n / 32 ** (count - 1 - i)) % 32]).join('');
  return digits(time, 10) + digits(serial, 16);
}
