// Bundles the page into dist/, or with --tests the tests, which Node 18 cannot run as TypeScript.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";

import { png } from "./icons.mjs";

const tests = "node_modules/.cache/vitrina-tests";

if (process.argv.includes("--tests")) await bundleTests();
else await bundlePage();

async function bundlePage() {
  await rm("dist", { recursive: true, force: true });
  const common = {
    bundle: true,
    minify: true,
    outdir: "dist",
    metafile: true,
    legalComments: "none",
  };
  const script = { ...common, format: "esm", target: "es2022", entryNames: "[name]-[hash]" };
  const worker = await build({ ...script, entryPoints: ["src/net/connection/worker.ts"] });
  const layout = await build({ ...script, entryPoints: ["src/wall/layout/layout-worker.ts"] });
  const film = await build({ ...script, entryPoints: ["src/photos/film/film-worker.ts"] });
  // What is not needed at once, the viewer's slides, is a file of its own.
  const app = await build({
    ...script,
    splitting: true,
    chunkNames: "[name]-[hash]",
    entryPoints: [{ in: "src/main.tsx", out: "app" }],
    jsx: "automatic",
    jsxImportSource: "preact",
    define: {
      WORKER: JSON.stringify(`./${written(worker, ".js")}`),
      FILM_WORKER: JSON.stringify(`./${written(film, ".js")}`),
      LAYOUT_WORKER: JSON.stringify(`./${written(layout, ".js")}`),
    },
  });
  const style = await build({
    ...common,
    entryPoints: ["src/style.css"],
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".woff2": "file" },
    target: ["chrome105", "firefox110", "safari16"],
  });
  const page = await readFile("index.html", "utf8");
  const made = page
    .replace("app.js", written(app, ".js"))
    .replace("style.css", written(style, ".css"))
    .replace("font.woff2", latin(style))
    .replace("icon.svg", await icon())
    .replace("icon-32.png", await drawn(32))
    .replace("icon-180.png", await drawn(180));
  // It names all that it loads, and the workers' names are in what it loads.
  await writeFile("dist/index.html", made.replace('"unknown"', `"${hash([made])}"`));
  await bundleServiceWorker();
  await describeApp();
}

/** The service worker keeps the page and all that it loads, whatever it shows. */
async function bundleServiceWorker() {
  const shell = (await readdir("dist")).filter((name) => /\.(js|css|woff2|svg)$/.test(name)).sort();
  const version = hash([await readFile("dist/index.html"), ...shell]);
  await build({
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "none",
    // Always under the same name: a browser that has it asks for it there.
    entryPoints: ["src/shell/service-worker.ts"],
    outdir: "dist",
    define: { SHELL: JSON.stringify(shell), VERSION: JSON.stringify(version) },
  });
}

/**
 * The manifest (W3C Web Application Manifest). Its addresses are relative, so that they are right
 * below the path of a proxy; it has no `id`, since that could not be: it is the start's address.
 */
async function describeApp() {
  const icons = [];
  for (const size of [192, 512]) {
    const image = { src: await drawn(size), sizes: `${size}x${size}`, type: "image/png" };
    // All round the lamp there is so much room that any mask leaves it whole.
    icons.push({ ...image, purpose: "any" }, { ...image, purpose: "maskable" });
  }
  const manifest = {
    name: "Vitrina",
    short_name: "Vitrina",
    description: "A wall of live cameras",
    start_url: "./",
    scope: "./",
    display: "standalone",
    background_color: "#000000",
    theme_color: "#000000",
    icons,
  };
  await writeFile("dist/manifest.webmanifest", JSON.stringify(manifest));
}

/** The name of the mark's picture in a size, which it draws. */
async function drawn(size) {
  const image = png(await readFile("src/icon.svg", "utf8"), size);
  const name = `icon-${size}-${hash([image])}.png`;
  await writeFile(`dist/${name}`, image);
  return name;
}

function hash(parts) {
  const sum = createHash("sha256");
  for (const part of parts) sum.update(part);
  return sum.digest("hex").slice(0, 8).toUpperCase();
}

/** The name of the file of a kind that a build wrote for its entry point. */
function written({ metafile }, kind) {
  const outputs = Object.entries(metafile.outputs);
  return basename(
    outputs.find(([path, { entryPoint }]) => path.endsWith(kind) && entryPoint !== undefined)[0],
  );
}

/** The font that nearly every page needs: when it comes late, titles change their height. */
function latin({ metafile }) {
  return basename(Object.keys(metafile.outputs).find((path) => path.includes("-latin-wght-")));
}

async function icon() {
  const { metafile } = await build({
    entryPoints: ["src/icon.svg"],
    entryNames: "[name]-[hash]",
    loader: { ".svg": "copy" },
    outdir: "dist",
    metafile: true,
  });
  return written({ metafile }, ".svg");
}

async function bundleTests() {
  await rm(tests, { recursive: true, force: true });
  await mkdir(tests, { recursive: true });
  const files = (await readdir("test", { recursive: true })).filter((name) =>
    name.endsWith(".test.ts"),
  );
  await build({
    entryPoints: files.map((name) => `test/${name}`),
    outdir: tests,
    entryNames: "[name]",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node18",
  });
}
