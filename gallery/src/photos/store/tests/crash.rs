//! The store under `kill -9`, and on a full disk, in separate processes.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::*;

/// Names the folder for a test that runs as a child.
const FOLDER: &str = "VITRINA_TEST_STORE";

/// This program again, with one of the tests below that do nothing by themselves.
fn child(wrapper: &[&str], test: &str, folder: &Path) -> Command {
    let me = env::current_exe().unwrap();
    let mut command = Command::new(wrapper.first().map_or(me.as_os_str(), |first| first.as_ref()));
    if let Some((_, rest)) = wrapper.split_first() {
        command.args(rest).arg(&me);
    }
    // The path without the crate's name, as tests are named.
    let (_, here) = module_path!().split_once("::").unwrap();
    command.args(["--exact", &format!("{here}::{test}"), "--nocapture"]);
    command.env(FOLDER, folder).stdout(Stdio::piped());
    command
}

/// Stores and deletes until it is killed, and prints the answers.
#[tokio::test(flavor = "multi_thread")]
async fn writes_until_it_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let store = open(Path::new(&folder));
    let first = all(&store).await.iter().map(|p| p.taken - NOON + 1).max().unwrap_or(0);
    let mut writing = Vec::new();
    for lane in 0..8 {
        let store = store.clone();
        writing.push(tokio::spawn(async move {
            for n in (first + lane..).step_by(8) {
                // The newest of the last round may have been deleted.
                if store.add(photo(n, NOON + n)).await.unwrap() == Added::Deleted {
                    continue;
                }
                println!("stored {n}");
                if n % 5 == 0 {
                    store.delete(&id(n)).await.unwrap();
                    println!("deleted {n}");
                }
            }
        }));
    }
    for task in writing {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn kill_9_at_any_moment_loses_nothing_and_brings_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let (mut stored, mut deleted) = (Vec::new(), Vec::new());
    for round in 0..6 {
        let mut writer = child(&[], "writes_until_it_is_killed", folder.path()).spawn().unwrap();
        let said = BufReader::new(writer.stdout.take().unwrap());
        let mut left = 5 + fastrand::usize(..40);
        for line in said.lines() {
            // Whatever it printed before it died was answered, even if nobody has read it yet.
            let line = line.unwrap();
            match line.split_once(' ').map(|(what, n)| (what, n.parse::<u64>())) {
                Some(("stored", Ok(n))) => stored.push(n),
                Some(("deleted", Ok(n))) => deleted.push(n),
                _ => continue,
            }
            left = left.saturating_sub(1);
            if left == 0 {
                writer.kill().unwrap();
            }
        }
        writer.wait().unwrap();

        let store = open(folder.path());
        for n in &stored {
            match store.file(&id(*n)).await {
                Ok(stored) => {
                    assert!(!deleted.contains(n), "round {round}: {n} came back");
                    assert_eq!(stored.read().unwrap(), format!("picture {n}").into_bytes());
                }
                // An unanswered deletion may have happened.
                Err(StoreError::Gone) => assert_eq!(n % 5, 0, "round {round}: {n}"),
                Err(error) => unreachable!("round {round}: {n} is lost: {error}"),
            }
        }
        store.close().await;
        let (before, files) = (dump(folder.path()), tree(folder.path()));
        assert!(
            !files.keys().any(|name| name.starts_with("incoming") || name.starts_with("damaged"))
        );
        reindex(folder.path(), |_| {}).unwrap();
        assert_eq!(dump(folder.path()), before, "round {round}");
    }
    assert!(stored.len() >= 30, "{stored:?}");
}

/// Fills a small file system that only this process sees.
#[tokio::test(flavor = "multi_thread")]
async fn fills_a_small_disk() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![1; 3 << 20]).unwrap();
    let store = Store::open(config(folder), Arc::default()).unwrap();
    let large = |n| NewPhoto {
        content: Content::Bytes(vec![n as u8; 300_000].into()),
        ..photo(n, NOON + n)
    };
    let mut kept = 0;
    let why = loop {
        match store.add(large(kept)).await {
            Ok(_) => kept += 1,
            Err(StoreError::Full(why)) => break why,
            Err(other) => unreachable!("{other}"),
        }
    };
    assert!(kept > 0 && store.trouble().is_some(), "{why}");
    // Each is whole and has its sidecar; nothing remains of the refused one.
    let files = tree(folder);
    assert_eq!(files.len() as u64, 1 + 2 * kept, "{:?}", files.keys());
    assert_eq!(all(&store).await.len() as u64, kept);
    fs::remove_file(ballast).unwrap();
    let mut troubles = store.troubles();
    let mended = troubles.wait_for(Option::is_none);
    tokio::time::timeout(Duration::from_secs(20), mended).await.unwrap().unwrap();
    add(&store, large(kept)).await;
    store.close().await;
    println!("went on by itself");
}

/// Fills a file until the disk is full.
fn fill_up(ballast: &Path) {
    let mut file = fs::File::create(ballast).unwrap();
    let mut size = 1 << 20;
    while size > 0 {
        if file.write_all(&vec![1; size]).is_err() {
            size /= 2;
        }
    }
}

/// Makes files until the disk has no inodes.
fn fill_inodes(ballast: &Path) {
    fs::create_dir(ballast).unwrap();
    let mut number = 0;
    while fs::File::create(ballast.join(number.to_string())).is_ok() {
        number += 1;
    }
}

/// Starts on a small disk without room, and deletes there.
#[tokio::test(flavor = "multi_thread")]
async fn starts_without_room() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let store = open(folder);
    for n in 0..12 {
        add(&store, photo(n, NOON + n)).await;
    }
    store.close().await;
    drop(store);
    for (fill, first) in [(fill_up as fn(&Path), 0), (fill_inodes, 4)] {
        let ballast = folder.join("ballast");
        fill(&ballast);
        let store = open(folder);
        for n in first..first + 3 {
            let caption = Some("Long ".repeat(90));
            store.change(&id(n), Change { caption, pinned: None }).await.unwrap();
            store.delete(&id(n)).await.unwrap();
        }
        assert!(matches!(store.add(photo(99, NOON)).await, Err(StoreError::Full(_))));
        store.close().await;
        match ballast.is_dir() {
            true => fs::remove_dir_all(ballast).unwrap(),
            false => fs::remove_file(ballast).unwrap(),
        }
    }
    let before = dump(folder);
    reindex(folder, |_| {}).unwrap();
    assert_eq!(dump(folder), before);
    println!("started and deleted");
}

/// Makes its small disk read-only, and writable again.
#[tokio::test(flavor = "multi_thread")]
async fn is_made_read_only() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let store = open(folder);
    add(&store, photo(1, NOON)).await;
    let run = |command: &str| {
        let mut sh = Command::new("sh");
        assert!(sh.args(["-c", command, "sh"]).arg(folder).status().unwrap().success());
    };
    // Files open for writing keep a mount from becoming read-only, but not one above it.
    run(r#"mount --bind "$1" "$1" && mount -o remount,bind,ro "$1""#);
    for _ in 0..2 {
        assert!(matches!(store.incoming().await, Err(StoreError::ReadOnly(_))));
        assert!(matches!(store.add(photo(2, NOON)).await, Err(StoreError::ReadOnly(_))));
        assert!(matches!(store.delete(&id(1)).await, Err(StoreError::ReadOnly(_))));
    }
    assert!(store.trouble().unwrap().to_string().contains("read-only"));
    assert_eq!(all(&store).await.len(), 1);
    run(r#"umount "$1""#);
    let mut troubles = store.troubles();
    let mended = troubles.wait_for(Option::is_none);
    tokio::time::timeout(Duration::from_secs(20), mended).await.unwrap().unwrap();
    add(&store, photo(2, NOON)).await;
    store.close().await;
    println!("went on when it could write");
}

#[test]
fn a_full_disk_refuses_without_a_trace_and_goes_on_when_there_is_room() {
    on_a_small_disk("fills_a_small_disk", "went on by itself");
}

#[test]
fn a_start_without_a_free_byte_or_inode_lets_photos_be_deleted() {
    on_a_small_disk("starts_without_room", "started and deleted");
}

#[test]
fn a_disk_that_becomes_read_only_is_said_and_taken_again() {
    on_a_small_disk("is_made_read_only", "went on when it could write");
}

/// Runs a test on a disk of its own; the test must print `done` at its end.
fn on_a_small_disk(test: &str, done: &str) {
    let folder = tempfile::tempdir().unwrap();
    let options = "size=8m,nr_inodes=500";
    let mount = format!(
        "mount -t tmpfs -o {options} tmpfs \"$VITRINA_TEST_STORE\" || exit 77; exec \"$@\""
    );
    let wrapper = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &mount, "sh"];
    let output = child(&wrapper, test, folder.path()).output().unwrap();
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    if output.status.code() == Some(77) || complained.contains("Operation not permitted") {
        let is_ci = env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(!is_ci, "this machine lets nobody mount a small disk: {complained}");
        eprintln!("this machine lets nobody mount a small disk; not tried");
        return;
    }
    assert!(said.contains(done), "{said}\n{complained}");
}
