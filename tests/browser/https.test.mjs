// The page over HTTP from another machine's name, and over HTTPS with the certificate that the gallery made.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { run } from '../harness/child.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { BINARY, Vitrina } from '../harness/vitrina.mjs';

let vitrina;
let browser;

before(async () => {
  // For a browser this name is another machine's, so plain HTTP gives it no camera there.
  browser = await launch([...FAKE_CAMERA, '--host-resolver-rules=MAP wall.test 127.0.0.1', '--ignore-certificate-errors']);
  vitrina = await Vitrina.start([], {
    set: ['gallery.https_listen="127.0.0.1:0"', 'gallery.hosts=["wall.test"]', 'node.test_card.show="never"'],
  });
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

async function enter(address, locale = 'en-GB') {
  const page = await (await browser.newContext({ locale })).newPage();
  await page.goto(address);
  return page;
}

async function openCamera(page, name) {
  await page.locator('.me').getByRole('button', { name }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('Ana');
  await page.keyboard.press('Enter');
}

test('by HTTP the page says where its camera works, and leads there', async () => {
  const { http, https } = vitrina.walls;
  const page = await enter(`http://wall.test:${http.port}/#/people`);
  await openCamera(page, 'Show my camera');
  await page.getByRole('heading', { name: 'This browser keeps the camera closed' }).waitFor();
  const there = `https://wall.test:${https.port}/`;
  assert.ok((await page.locator('.shut').innerText()).includes(`Open ${there}`), await page.locator('.shut').innerText());
  await page.getByRole('link', { name: 'Open with HTTPS' }).click();
  await until('the page by HTTPS', () => page.url().startsWith(there));
  // It is another origin, which does not know the name yet.
  await openCamera(page, 'Show my camera');
  await page.getByRole('button', { name: 'Show on the wall' }).click();
  await until('she is on the wall', async () => (await page.locator('.onair').innerText()).startsWith('You are on the wall.'));
  const cameras = await (await fetch(`${vitrina.wall}api/cameras`)).json();
  assert.deepEqual(cameras.map(({ kind }) => kind), ['browser']);
  await page.context().close();
});

test('a gallery without HTTPS says who can switch it on', async () => {
  const plain = await Vitrina.start(['gallery'], { set: ['gallery.hosts=["wall.test"]', `gallery.broker=${vitrina.ready.broker}`] });
  const page = await enter(`http://wall.test:${new URL(plain.wall).port}/#/people`, 'es-ES');
  await openCamera(page, 'Mostrar mi cámara');
  await page.getByText('lo activa su dueño con gallery.https_listen').waitFor();
  assert.equal(await page.getByRole('link', { name: 'HTTPS' }).count(), 0);
  await page.context().close();
  await plain.stop();
});

// An address other than the loopback's, in a network namespace.
const REDIRECT = `
ip link set lo up && ip addr add 10.77.0.1/32 dev lo || exit
"$0" gallery --data "$1" --set gallery.broker=mqtt://127.0.0.1:1 --open --set gallery.redirect=true \\
  --set gallery.listen=10.77.0.1:8080 --set gallery.https_listen=10.77.0.1:8443 > "$1/out" &
for _ in $(seq 300); do grep -q ready "$1/out" && break; sleep 0.1; done
curl -sS -o /dev/null -w '%{http_code} %{redirect_url}\\n' 'http://10.77.0.1:8080/photos?camera=a'
curl -sS -o /dev/null -w '%{http_code}\\n' http://10.77.0.1:8080/healthz
curl -sSkL -o /dev/null -w '%{http_code} %{url_effective}\\n' http://10.77.0.1:8080/api/people
kill $!; wait
`;

test('who comes by HTTP from elsewhere is sent on to HTTPS', async () => {
  const { stdout, stderr } = await run('unshare', ['-rn', 'sh', '-c', REDIRECT, BINARY, folder('redirect')]);
  assert.deepEqual(stdout.trim().split('\n'), [
    '308 https://10.77.0.1:8443/photos?camera=a',
    '503',
    '200 https://10.77.0.1:8443/api/people',
  ], stderr);
});
