//! Embeds the page: every file of `web/dist`, with its content type and a hash of its content.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

fn main() {
    let dist = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let dist = dist.join("web/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    if let Err(error) = embed(&dist) {
        println!("cargo::error={error}");
        process::exit(1);
    }
}

/// Writes `assets.rs`, an array of what `src/http/assets.rs` calls an `Asset`, and `build.txt`,
/// which build of the page it is. It embeds copies, so that bundling the page again meanwhile does no
/// harm.
fn embed(dist: &Path) -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut files = Vec::new();
    collect(dist, &mut files)?;
    if !files.iter().any(|file| file.ends_with("index.html")) {
        return Err(io::Error::other("gallery/web/dist is missing: run `make`"));
    }
    files.sort();
    fs::write(out.join("build.txt"), build(&fs::read_to_string(dist.join("index.html"))?)?)?;
    let mut code = String::from("&[\n");
    for (number, file) in files.iter().enumerate() {
        println!("cargo::rerun-if-changed={}", file.display());
        let bytes = fs::read(file)?;
        let copy = out.join(format!("asset-{number}"));
        fs::write(&copy, &bytes)?;
        let path = file.strip_prefix(dist).expect("it lies in dist").to_string_lossy();
        let (etag, immutable) = (format!("\"{:016x}\"", fnv(&bytes)), is_hashed(&path));
        let (content_type, copy) = (content_type(file), copy.display().to_string());
        writeln!(
            code,
            "Asset {{ path: {path:?}, content_type: {content_type:?}, etag: {etag:?}, \
             immutable: {immutable}, bytes: include_bytes!({copy:?}) }},"
        )
        .expect("a String takes all");
    }
    code.push(']');
    fs::write(out.join("assets.rs"), code)
}

/// What the bundler called this build in the page itself.
fn build(page: &str) -> io::Result<&str> {
    let said = page.split_once("<meta name=\"build\" content=\"").map(|(_, rest)| rest);
    let said = said.and_then(|rest| rest.split_once('"')).map(|(build, _)| build);
    said.ok_or_else(|| io::Error::other("gallery/web/dist is of before: run `make`"))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            println!("cargo::rerun-if-changed={}", path.display());
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|e| e.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Whether the bundler put a hash of the content into the name: `page-4QK7ZB2H.js`.
fn is_hashed(path: &str) -> bool {
    let stem = path.rsplit('/').next().unwrap_or(path).split('.').next().unwrap_or_default();
    stem.rsplit_once('-').is_some_and(|(_, hash)| {
        hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

/// FNV-1a, 64 bits: enough to tell two builds of a file apart.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
