//! The spooler on a real folder.

use super::*;
use std::fs;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;

const PICTURE: &[u8] = include_bytes!("../../../../wire/golden/stamped.jpg");
const WITHIN: Duration = Duration::from_secs(20);

struct Rig {
    data: TempDir,
    answers: Arc<Answers>,
    spooler: Spooler,
    thread: JoinHandle<()>,
}

fn id(n: u64) -> PhotoId {
    PhotoId::new(n, 7)
}

fn rig(limit: u64) -> Rig {
    Rig::on(tempfile::tempdir().unwrap(), limit, "attic")
}

impl Rig {
    fn on(data: TempDir, limit: u64, node: &str) -> Rig {
        let answers = Arc::new(Answers::default());
        let spool = data.path().join("spool");
        let node = node.parse().unwrap();
        let started = Spooler::start(spool, limit, node, Arc::clone(&answers), &Health::default());
        let (spooler, thread) = started.unwrap();
        spooler.begin();
        Rig { data, answers, spooler, thread }
    }

    /// Restarts as after a clean stop; everything handed over is written.
    fn again(self, node: &str) -> Rig {
        self.spooler.end();
        self.thread.join().unwrap();
        Rig::on(self.data, 1 << 30, node)
    }

    fn take(&self, id: PhotoId) {
        let request = self.spooler.ask(Some(id)).expect("it is new");
        self.spooler.hand(Shot {
            request,
            jpeg: Stamp::remove(PICTURE).unwrap().into(),
            stamp: Stamp {
                camera: "attic/door".parse().unwrap(),
                seq: 4711,
                at: 1_763_640_000_123_456,
                mono: 98_765_432,
                boot: "6f2d41aa".into(),
                ages: None,
                photo: None,
            },
            model: "Door".into(),
        });
    }

    async fn offer(&self) -> Entry {
        timeout(WITHIN, self.spooler.offer()).await.expect("an offer in time")
    }

    async fn no_offer(&self) {
        timeout(Duration::from_millis(50), self.spooler.offer()).await.unwrap_err();
    }

    async fn error(&self) -> String {
        let answer = timeout(WITHIN, self.answers.next()).await.expect("an answer in time");
        answer.error.unwrap()
    }

    fn files(&self, folder: &str) -> usize {
        let files = fs::read_dir(self.data.path().join(folder)).unwrap();
        files
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == "jpg"))
            .count()
    }

    async fn until(&self, what: &str, is: impl Fn() -> bool) {
        let wait = async {
            while !is() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(WITHIN, wait).await.unwrap_or_else(|_| panic!("not in time: {what}"));
    }
}

#[tokio::test]
async fn a_snapshot_is_on_the_disk_before_it_is_offered_and_gone_when_it_is_stored() {
    let rig = rig(1 << 30);
    rig.take(id(1));
    let entry = rig.offer().await;
    assert_eq!((rig.files("spool"), rig.spooler.condition().bytes), (1, entry.bytes));
    let jpeg = rig.spooler.picture(&entry).await.unwrap();
    let stamp = Stamp::find(&jpeg).unwrap();
    assert_eq!((stamp.photo, stamp.seq), (Some(id(1)), 4711));
    rig.spooler.stored(&id(1));
    assert_eq!(rig.spooler.condition().bytes, 0);
    rig.until("the file is gone", || rig.files("spool") == 0).await;
    rig.no_offer().await;
}

#[tokio::test]
async fn what_is_spooled_is_offered_after_a_restart_in_order() {
    let rig = rig(1 << 30);
    (1..=3).rev().for_each(|n| rig.take(id(n)));
    let rig = rig.again("attic");
    assert_eq!([rig.offer().await.id, rig.offer().await.id], [id(3), id(2)]);
    rig.spooler.stored(&id(3));
    assert_eq!(rig.offer().await.id, id(1));
}

#[tokio::test]
async fn one_id_is_one_photo_whether_it_is_on_its_way_spooled_stored_or_refused() {
    let rig = rig(1 << 30);
    let request = rig.spooler.ask(Some(id(1))).unwrap();
    assert!(rig.spooler.ask(Some(id(1))).is_none(), "on its way");
    request.fail("it was dark");
    assert_eq!(rig.error().await, "it was dark");
    rig.take(id(1));
    assert_eq!(rig.offer().await.id, id(1));
    rig.no_offer().await;
    assert!(rig.spooler.ask(Some(id(1))).is_none(), "spooled");
    assert_eq!(rig.offer().await.id, id(1), "it is offered again");
    rig.spooler.stored(&id(1));
    assert!(rig.spooler.ask(Some(id(1))).is_none(), "stored");
    let rig = rig.again("attic");
    assert!(rig.spooler.ask(Some(id(1))).is_none(), "stored before the restart");
    rig.take(id(2));
    rig.offer().await;
    rig.spooler.refused(&id(2), "no JPEG");
    assert!(rig.spooler.ask(Some(id(2))).is_none(), "refused");
    assert!(rig.error().await.contains("refused"));
}

#[tokio::test]
async fn a_crash_between_the_note_and_the_removal_brings_nothing_back() {
    let rig = rig(1 << 30);
    rig.take(id(1));
    rig.offer().await;
    let folder = rig.data.path().join("spool");
    let is_picture = |path: &PathBuf| path.extension().is_some_and(|e| e == "jpg");
    let mut files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let file = files.find(is_picture).unwrap();
    let picture = fs::read(&file).unwrap();
    rig.spooler.stored(&id(1));
    rig.until("the file is gone", || rig.files("spool") == 0).await;
    fs::write(&file, picture).unwrap();
    let rig = rig.again("attic");
    rig.no_offer().await;
    assert_eq!(rig.files("spool"), 0);
}

#[tokio::test]
async fn a_refused_one_is_kept_for_people() {
    let rig = rig(1 << 30);
    rig.take(id(1));
    rig.offer().await;
    rig.spooler.refused(&id(1), "no JPEG");
    rig.until("it is moved", || rig.files("spool/refused") == 1).await;
    assert_eq!((rig.files("spool"), rig.spooler.condition().bytes), (0, 0));
    let rig = rig.again("attic");
    rig.no_offer().await;
}

#[tokio::test]
async fn a_full_spool_refuses_and_takes_again_when_there_is_room() {
    let rig = rig(2 * PICTURE.len() as u64 + 1500);
    (1..=3).for_each(|n| rig.take(id(n)));
    assert!(rig.error().await.contains("spool is full"));
    assert_eq!((rig.offer().await.id, rig.offer().await.id), (id(1), id(2)));
    rig.spooler.stored(&id(1));
    rig.take(id(3));
    assert_eq!(rig.offer().await.id, id(3));
}

#[tokio::test]
async fn refused_ones_count_until_somebody_deletes_them() {
    let rig = rig(PICTURE.len() as u64 + 800);
    rig.take(id(1));
    rig.offer().await;
    rig.spooler.refused(&id(1), "no JPEG");
    rig.until("it is moved", || rig.files("spool/refused") == 1).await;
    rig.take(id(2));
    assert!(rig.error().await.contains("delete"));
    let condition = rig.spooler.condition();
    assert!(condition.trouble.is_some_and(|why| why.contains("delete")));
    assert_eq!(condition.refused, 1);
    let refused = rig.data.path().join("spool/refused");
    fs::read_dir(refused).unwrap().for_each(|file| fs::remove_file(file.unwrap().path()).unwrap());
    let well = Condition { bytes: 0, refused: 0, trouble: None };
    rig.until("it is seen that there is room", || rig.spooler.condition() == well).await;
    rig.take(id(2));
    assert_eq!(rig.offer().await.id, id(2));
}

#[tokio::test]
async fn a_spool_that_cannot_be_made_says_so_until_it_can() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("spool"), "in the way").unwrap();
    let rig = Rig::on(data, 1 << 30, "attic");
    rig.take(id(1));
    assert!(rig.error().await.contains("cannot keep"));
    fs::remove_file(rig.data.path().join("spool")).unwrap();
    rig.take(id(1));
    assert_eq!(rig.offer().await.id, id(1));
}

#[tokio::test]
async fn a_node_with_another_name_offers_what_it_took_before() {
    let rig = rig(1 << 30);
    rig.take(id(1));
    let rig = rig.again("cellar");
    let entry = rig.offer().await;
    let jpeg = rig.spooler.picture(&entry).await.unwrap();
    assert_eq!(Stamp::find(&jpeg).unwrap().camera, "cellar/door".parse().unwrap());
}

#[tokio::test]
async fn one_that_somebody_deleted_does_not_hold_up_the_others() {
    let rig = rig(1 << 30);
    rig.take(id(1));
    let entry = rig.offer().await;
    for file in fs::read_dir(rig.data.path().join("spool")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some() {
            fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(rig.spooler.picture(&entry).await, None);
    assert_eq!(rig.spooler.condition().bytes, 0);
}

#[tokio::test]
async fn frames_beyond_the_bound_are_refused_with_the_reason() {
    let rig = rig(1 << 30);
    // As if the disk hung.
    rig.spooler.shared.state().handed = HANDED;
    rig.take(id(1));
    assert!(rig.error().await.contains("too slow"));
}

#[test]
fn a_thread_that_died_is_told_to_health_and_to_galleries() {
    let rig = rig(1 << 30);
    assert_eq!(rig.spooler.health.check(), Ok(()));
    rig.spooler.health.kill(THREAD);
    rig.take(id(1));
    assert!(rig.thread.join().is_err());
    assert!(rig.spooler.health.check().unwrap_err().starts_with("spool was ended"));
    assert!(rig.spooler.condition().trouble.unwrap().contains("was ended by a fault"));
}
