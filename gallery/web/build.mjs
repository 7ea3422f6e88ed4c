// Bundles the page into dist/, or with --tests the tests, which Node 18 cannot run as TypeScript.

import { build } from "esbuild";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";

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
  await writeFile(
    "dist/index.html",
    page
      .replace("app.js", written(app, ".js"))
      .replace("style.css", written(style, ".css"))
      .replace("font.woff2", latin(style))
      .replace("icon.svg", await icon()),
  );
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
