//! The store under `kill -9`, and on a disk that is full: in processes of their own.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::tests::{NOON, add, all, config, dump, id, open, photo, tree};
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
    command.args(["--exact", &format!("store::crash::{test}"), "--nocapture"]);
    command.env(FOLDER, folder).stdout(Stdio::piped());
    command
}

/// Stores and deletes until it is killed, and says what was answered.
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
            // What it said before it died was answered, however far that went unread.
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
                Ok(Stored { path, .. }) => {
                    assert!(!deleted.contains(n), "round {round}: {n} came back");
                    assert_eq!(fs::read(path).unwrap(), format!("picture {n}").into_bytes());
                }
                // A deletion that was not answered may have happened.
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

/// Fills a small file system that only it sees.
#[tokio::test(flavor = "multi_thread")]
async fn fills_a_small_disk() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![1; 3 << 20]).unwrap();
    let store = Store::open(config(folder)).unwrap();
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
    // Each whole, with its sidecar, and nothing of the one that was refused.
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

#[test]
fn a_full_disk_refuses_without_a_trace_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=8m tmpfs \"$VITRINA_TEST_STORE\" || exit 77; exec \"$@\"";
    let wrapper = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"];
    let output = child(&wrapper, "fills_a_small_disk", folder.path()).output().unwrap();
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
    assert!(said.contains("went on by itself"), "{said}\n{complained}");
}
