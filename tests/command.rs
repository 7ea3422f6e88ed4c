//! The command as a user types it: what it prints, how it ends, what it says when it cannot.

mod process;

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use rustix::process::Signal;
use tempfile::TempDir;

use process::{FREE, Running, get, output, request, until, vitrina};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// What a command that must fail says: exactly one line, with exit code 1.
fn complaint(command: &mut Command) -> String {
    let output = output(command.env("VITRINA_LOG", "error"));
    let told = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    told.trim_end().to_owned()
}

#[test]
fn alone_it_serves_the_test_card_and_stops_with_0() {
    let data = folder();
    let all = Running::start(vitrina(data.path()).args(FREE));
    let gallery = all.gallery.expect("it serves the wall");
    assert!(all.broker.is_some());
    let cameras = until("the test card is live or idle", || {
        let (_, cameras) = get(gallery, "/api/cameras");
        (cameras.contains("test-card") && cameras.contains("\"idle\"")).then_some(cameras)
    });
    assert!(cameras.contains("1280x720"), "{cameras}");
    assert_eq!(get(gallery, "/").0, 200);
    assert_eq!(get(gallery, "/healthz").0, 200);
    assert_eq!(all.stop(), Some(0));
}

#[test]
fn ctrl_c_stops_it_too() {
    let data = folder();
    let broker = Running::start(vitrina(data.path()).args(FREE).arg("broker"));
    assert!(broker.gallery.is_none(), "only the parts that run are named");
    broker.signal(Signal::INT);
    assert_eq!(broker.end(), Some(0));
}

#[test]
fn it_restarts_on_the_same_port_at_once_after_a_kill() {
    let data = folder();
    let first = Running::start(vitrina(data.path()).args(FREE));
    let (gallery, broker) = (first.gallery.expect("a wall"), first.broker.expect("a broker"));
    // A connection that is open when it dies leaves the port in TIME_WAIT.
    let open = std::net::TcpStream::connect(gallery).expect("it listens");
    first.signal(Signal::KILL);
    first.end();
    let sets = [format!("gallery.listen={gallery}"), format!("broker.listen={broker}")];
    let second = Running::start(vitrina(data.path()).args(["--set", &sets[0], "--set", &sets[1]]));
    assert_eq!((second.gallery, second.broker), (Some(gallery), Some(broker)));
    drop(open);
}

#[test]
fn the_fingerprint_of_the_wall_is_told() {
    let data = folder();
    let https = ["--set", "gallery.https_listen=127.0.0.1:0"];
    let config = || {
        let printed = output(vitrina(data.path()).args(https).arg("config")).stdout;
        String::from_utf8(printed).expect("text")
    };
    assert!(config().ends_with('\n') && config().contains("no certificate yet"), "{}", config());
    let gallery = Running::start(vitrina(data.path()).args(FREE).args(https).arg("gallery"));
    assert!(gallery.gallery.is_some());
    assert_eq!(gallery.stop(), Some(0));
    let last = config().lines().last().map(str::to_owned).unwrap_or_default();
    let (_, fingerprint) = last.split_once(": ").expect("a fingerprint");
    assert_eq!(fingerprint.split(':').count(), 32, "{last}");
}

#[test]
fn a_taken_port_names_the_address_and_the_cure() {
    let (data, taken) = (folder(), TcpListener::bind("127.0.0.1:0").expect("a port"));
    let address = taken.local_addr().expect("an address").to_string();
    for key in ["broker.listen", "gallery.listen"] {
        let told =
            complaint(vitrina(data.path()).args(FREE).args(["--set", &format!("{key}={address}")]));
        assert!(told.contains(&address) && told.contains(key), "{told}");
    }
}

#[test]
fn an_unreadable_configuration_is_named() {
    let data = folder();
    let missing = data.path().join("missing.toml");
    let told = complaint(vitrina(data.path()).arg("--config").arg(&missing));
    assert!(told.contains(missing.to_str().expect("text")), "{told}");
    // A folder can be opened but not read, whoever asks.
    let told = complaint(vitrina(data.path()).arg("--config").arg(data.path()));
    assert!(told.contains("cannot be read"), "{told}");
}

#[test]
fn an_unknown_key_names_file_line_and_the_nearest_key() {
    let data = folder();
    let file = data.path().join("vitrina.toml");
    fs::write(&file, "[broker]\nlisten = \"127.0.0.1:0\"\n\n[[node.camera]]\ndevise = \"a\"\n")
        .expect("written");
    let told = complaint(vitrina(data.path()).arg("--config").arg(&file));
    let place = format!("{}:5: ", file.display());
    assert!(told.contains(&place) && told.contains("did you mean `device`?"), "{told}");
}

#[test]
fn config_check_refuses_what_the_start_would_each_with_its_line() {
    let data = folder();
    let file = data.path().join("vitrina.toml");
    let typed = "[broker]\nkeep_alive = 1\nretained = 2000000\n[node]\nspool = \"much\"\n\
                 [[node.camera]]\nname = \"Front Door\"\n[gallery]\nlisten = \"0.0.0.0:8080\"\n\
                 hosts = [\"http://a\"]\n[gallery.photos]\nkeep = \"long\"\n\
                 [gallery.pictures]\nmegapixels = 0\n";
    fs::write(&file, typed).expect("written");
    for command in [&["config", "--check"][..], &["config"], &[]] {
        let checked = output(vitrina(data.path()).args(command).arg("--config").arg(&file));
        let told = String::from_utf8(checked.stderr).expect("text");
        assert_eq!(checked.status.code(), Some(1), "{told}");
        assert!(checked.stdout.is_empty());
        assert!(!told.contains("node.camera[0] ="), "what its bad name leaves is no fault: {told}");
        for (line, word) in [
            (2, "broker.keep_alive"),
            (3, "broker.retained"),
            (5, "node.spool"),
            (7, "node.camera[0].name"),
            (9, "gallery.listen"),
            (10, "gallery.hosts"),
            (12, "gallery.photos.keep"),
            (14, "gallery.pictures.megapixels"),
        ] {
            let place = format!("vitrina: {}:{line}: ", file.display());
            let is_told = |told: &str| told.starts_with(&place) && told.contains(word);
            assert!(told.lines().any(is_told), "{line} {word}: {told}");
        }
    }
    let good = output(vitrina(data.path()).args(["config", "--check"]));
    assert_eq!((good.status.code(), good.stdout.len(), good.stderr.len()), (Some(0), 0, 0));
    assert_eq!(fs::read_dir(data.path()).expect("a folder").count(), 1, "nothing was made");
}

#[test]
fn config_check_says_when_it_has_no_folder_to_check_in() {
    let data = folder();
    let missing = data.path().join("missing");
    let check = |data: &std::path::Path| {
        let mut command = vitrina(data);
        output(command.args(["config", "--check"]).env("TMPDIR", &missing))
    };
    assert!(check(data.path()).status.success(), "the data folder will do");
    let checked = check(&missing);
    let told = String::from_utf8(checked.stderr).expect("text");
    assert_eq!(checked.status.code(), Some(1), "{told}");
    assert!(told.contains("TMPDIR") && told.contains(missing.to_str().expect("text")), "{told}");
}

#[test]
fn a_password_is_never_printed() {
    let data = folder();
    let file = data.path().join("vitrina.toml");
    fs::write(&file, "[gallery]\nbroker = \"mqtt://ada:hunter2@house\"\n").expect("written");
    for (set, config) in [("node.broker=mqtt://ada:hunter2@house", None), ("root=a", Some(&file))] {
        let mut command = vitrina(data.path());
        command.args(["--set", set]);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let told = complaint(&mut command);
        assert!(told.contains("ada:…@house") && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_password_file_that_cannot_be_read_is_named() {
    let data = folder();
    let missing = data.path().join("no-password");
    let set = format!("gallery.password_file={}", missing.display());
    for command in [&["watch", "--once"][..], &["gallery"]] {
        let told = complaint(vitrina(data.path()).args(command).args(["--set", &set]));
        assert!(told.contains(missing.to_str().expect("text")), "{told}");
    }
}

#[test]
fn bad_names_say_what_a_good_one_is() {
    let data = folder();
    let camera = r#"node.camera=[{device="/dev/video0", name="Front Door"}]"#;
    let told = complaint(vitrina(data.path()).args(FREE).args(["--set", camera]));
    assert!(told.contains("Front Door") && told.contains("a-z"), "{told}");
    for name in ["Küche", "gallery", "web-1"] {
        let set = format!("node.name={name}");
        let told = complaint(vitrina(data.path()).args(FREE).args(["--set", &set]));
        assert!(told.contains(name), "{told}");
    }
}

#[test]
fn another_address_than_loopback_must_be_meant() {
    let data = folder();
    for key in ["broker.listen", "gallery.listen"] {
        let set = format!("{key}=0.0.0.0:0");
        let told = complaint(vitrina(data.path()).args(FREE).args(["--set", &set]));
        assert!(told.contains("open"), "{told}");
    }
}

#[test]
fn wrong_arguments_end_with_2() {
    let data = folder();
    for wrong in [&["--nonsense"][..], &["nonsense"], &["forget", "Bad Name"], &["forget"]] {
        assert_eq!(output(vitrina(data.path()).args(wrong)).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn the_printed_configuration_is_what_is_used() {
    let data = folder();
    let print = |arguments: &[&str]| {
        let output = output(vitrina(data.path()).arg("config").args(arguments));
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).expect("text")
    };
    let opened = print(&["--open", "--set", "node.name=workshop"]);
    assert!(opened.contains("\nlisten = \"0.0.0.0:1883\"\n"), "{opened}");
    assert!(opened.contains("\nname = \"workshop\""), "{opened}");
    let file = data.path().join("again.toml");
    fs::write(&file, &opened).expect("written");
    let again = print(&["--config", file.to_str().expect("text")]);
    assert_eq!(again, opened);
}

#[test]
fn watch_shows_the_test_card() {
    let data = folder();
    let all = Running::start(vitrina(data.path()).args(FREE).args(["--set", "node.name=here"]));
    let broker = format!("node.broker=mqtt://{}", all.broker.expect("a broker"));
    let table = until("the table has the camera with a picture", || {
        let output = output(vitrina(data.path()).args(["watch", "--once", "--set", &broker]));
        let table = String::from_utf8(output.stdout).expect("text");
        table.lines().any(|l| l.contains("test-card") && l.contains(" s ")).then_some(table)
    });
    assert!(table.contains("here") && table.contains("online"), "{table}");
    let facts =
        output(vitrina(data.path()).args(["watch", "--broker", "--once", "--set", &broker]));
    let facts = String::from_utf8(facts.stdout).expect("text");
    assert!(facts.contains("clients/connected") && facts.contains("uptime"), "{facts}");
}

#[test]
fn snap_takes_a_photo_and_writes_it_also_without_a_gallery() {
    let data = folder();
    let broker = Running::start(vitrina(data.path()).args(FREE).arg("broker"));
    let set = format!("node.broker=mqtt://{}", broker.broker.expect("a broker"));
    let node = folder();
    let card = r#"node.test_card={show="always", width=320, height=240}"#;
    let here = ["node", "--set", &set, "--set", "node.name=here", "--set", card];
    let node = Running::start(vitrina(node.path()).args(here));
    let file = data.path().join("a.jpg");
    let snap = |camera: &str, to: &str| {
        output(vitrina(data.path()).args(["snap", camera, "-o", to, "--set", &set]))
    };
    let told = until("the camera is there", || {
        let snap = snap("here/test-card", file.to_str().expect("text"));
        snap.status.success().then_some(String::from_utf8(snap.stdout).expect("text"))
    });
    assert!(told.contains("waits on the node") && told.contains("a.jpg"), "{told}");
    let photo = wire::Stamp::find(&fs::read(&file).expect("a file")).expect("a stamp").photo;
    assert!(told.contains(photo.expect("an id").as_str()), "{told}");

    let piped = snap("here/test-card", "-");
    assert!(piped.stdout.starts_with(&[0xff, 0xd8]) && piped.stdout.ends_with(&[0xff, 0xd9]));

    let unknown = snap("here/roof", "-");
    let told = String::from_utf8(unknown.stderr).expect("text");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(told.contains("choose one of: here/test-card"), "{told}");
    let nowhere = String::from_utf8(snap("here/test-card", "/nowhere/a.jpg").stderr);
    assert!(nowhere.expect("text").contains("cannot write /nowhere/a.jpg"));

    assert_eq!(node.stop(), Some(0));
    let offline = String::from_utf8(snap("here/test-card", "-").stderr).expect("text");
    assert!(offline.contains("here is offline"), "{offline}");
}

#[test]
fn forget_clears_a_node_that_is_gone_and_only_then() {
    let data = folder();
    let broker = Running::start(vitrina(data.path()).args(FREE).arg("broker"));
    let set = format!("node.broker=mqtt://{}", broker.broker.expect("a broker"));
    let node = folder();
    let old = ["node", "--set", &set, "--set", "node.name=old"];
    let node = Running::start(vitrina(node.path()).args(old));
    until("the node has said what its camera does", || {
        let table = output(vitrina(data.path()).args(["watch", "--once", "--set", &set]));
        String::from_utf8_lossy(&table.stdout).contains("idle").then_some(())
    });
    let forget = |what: &str| output(vitrina(data.path()).args(["forget", what, "--set", &set]));
    let refused = String::from_utf8(forget("old").stderr).expect("text");
    assert!(refused.contains("old is online"), "{refused}");
    let refused = String::from_utf8(forget("old/test-card").stderr).expect("text");
    assert!(refused.contains("old/test-card is still here"), "{refused}");
    assert_eq!(node.stop(), Some(0));
    let forgotten = forget("old");
    let told = String::from_utf8(forgotten.stdout).expect("text");
    assert_eq!(forgotten.status.code(), Some(0), "{told}");
    for topic in ["vitrina/old/status", "vitrina/old/info", "vitrina/old/test-card/state"] {
        assert!(told.contains(topic), "{told}");
    }
    assert_eq!(forget("old").status.code(), Some(1), "there is nothing left");
}

#[test]
fn a_gallery_that_will_not_come_back_is_forgotten_and_another_stores() {
    let data = folder();
    let broker = Running::start(vitrina(data.path()).args(FREE).arg("broker"));
    let port = broker.broker.expect("a broker").port();
    let (client, mut events) = Client::new(MqttOptions::new("dead", "127.0.0.1", port), 8);
    // What a broker that lost its clients' wills would keep of it.
    for (topic, fact) in [
        ("vitrina/gallery/deadbeef/status", "online"),
        ("vitrina/people/ana", r#"{"name":"Ana","since":1,"gallery":"deadbeef"}"#),
    ] {
        client.publish(topic, QoS::AtLeastOnce, true, fact).expect("published");
    }
    let taken = events.iter().filter(|e| matches!(e, Ok(Event::Incoming(Packet::PubAck(_)))));
    assert_eq!(taken.take(2).count(), 2);
    let set = format!("node.broker=mqtt://127.0.0.1:{port}");
    let home = folder();
    let to = format!("gallery.broker=mqtt://127.0.0.1:{port}");
    let second = ["gallery", "--set", &to, "--set", "gallery.listen=127.0.0.1:0"];
    let second = Running::start(vitrina(home.path()).args(second));
    let wall = second.gallery.expect("a wall");
    let is_second = || get(wall, "/healthz").1.contains("vitrina forget gallery/deadbeef");
    until("it says who came first, and what to do", || is_second().then_some(()));
    let forget = ["forget", "gallery/deadbeef", "--set", &set];
    let told = String::from_utf8(output(vitrina(data.path()).args(forget)).stdout).expect("text");
    for topic in ["vitrina/gallery/deadbeef/status", "vitrina/people/ana"] {
        assert!(told.contains(topic), "{told}");
    }
    until("it stores", || (!is_second()).then_some(()));
}

#[test]
fn the_first_user_locks_out_strangers_and_none_of_our_own() {
    let data = folder();
    let start = || {
        let mut command = vitrina(data.path());
        command.args(FREE).args(["--set", "gallery.visitors=look"]);
        Running::start(&mut command)
    };
    let all = start();
    let broker = all.broker.expect("a broker");
    let told = output(vitrina(data.path()).args(["user", "add", "ada", "--role", "viewer"]));
    let told = String::from_utf8(told.stdout).expect("text");
    assert!(told.contains("the password of ada is "), "{told}");
    let list = output(vitrina(data.path()).args(["user", "list"]));
    assert_eq!(list.stdout, b"viewer    ada\n");
    let watch = |data: &std::path::Path| {
        let listen = format!("broker.listen={broker}");
        let mut command = vitrina(data);
        command.args(["--set", &listen, "watch", "--once"]);
        command
    };
    let stranger = folder();
    let refused = until("a stranger is refused", || {
        let told = output(&mut watch(stranger.path()));
        (!told.status.success()).then_some(told.stderr)
    });
    assert!(String::from_utf8_lossy(&refused).contains("password"), "{refused:?}");
    until("the node is seen with the credentials of this machine", || {
        let table = output(&mut watch(data.path()));
        String::from_utf8_lossy(&table.stdout).contains("test-card").then_some(())
    });
    let gallery = all.gallery.expect("a wall");
    assert!(get(gallery, "/api/cameras").1.contains("\"idle\""));
    assert_eq!(all.stop(), Some(0));

    // From the start, too.
    let again = start();
    let gallery = again.gallery.expect("a wall");
    until("the wall has the test card", || {
        get(gallery, "/api/cameras").1.contains("test-card").then_some(())
    });
    let removed = output(vitrina(data.path()).args(["user", "remove", "ada"]));
    assert!(removed.status.success());
    assert_eq!(again.stop(), Some(0));
}

#[test]
fn a_command_without_a_broker_says_so() {
    let data = folder();
    // The port was free a moment ago, and nothing listens there.
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let set = format!("node.broker=mqtt://{free}");
    let told = complaint(vitrina(data.path()).args(["watch", "--once", "--set", &set]));
    assert!(told.contains(&free.to_string()) && told.contains("reached"), "{told}");
}

/// A certificate for 127.0.0.1 in `folder`, and the settings of a broker that shows it beside its
/// plain port.
fn certified(folder: &std::path::Path) -> String {
    let pair = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a pair");
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    fs::write(&certificate, pair.cert.pem()).expect("written");
    fs::write(&key, pair.signing_key.serialize_pem()).expect("written");
    let path = |path: &std::path::Path| format!("{:?}", path.to_str().expect("text"));
    format!(
        "broker.listener=[{{address=\"127.0.0.1:0\", transport=\"tls\", certificate={}, key={}}}]",
        path(&certificate),
        path(&key)
    )
}

/// The fingerprint in what a command said.
fn fingerprint(told: &str) -> String {
    let is_one =
        |word: &&str| word.len() == 95 && word.bytes().filter(|&b| b == b':').count() == 31;
    let trim = |c: char| !c.is_ascii_hexdigit();
    let found = told.split_whitespace().map(|word| word.trim_matches(trim)).rfind(is_one);
    found.expect("a fingerprint is told").to_owned()
}

#[test]
fn node_gallery_and_commands_come_over_tls_with_a_password_each() {
    let data = folder();
    let listener = certified(data.path());
    let house =
        Running::start(vitrina(data.path()).args(FREE).args(["--set", &listener, "broker"]));
    let (plain, tls) = (house.broker.expect("a broker"), house.tls.expect("over TLS, too"));
    let password = data.path().join("password");
    fs::write(&password, "correct horse\n").expect("written");
    for (user, role) in [("workshop", "node"), ("wall", "gallery"), ("ada", "operator")] {
        let mut add = vitrina(data.path());
        add.args(["user", "add", user, "--role", role, "--password-stdin"]);
        let stdin = fs::File::open(&password).expect("it is there");
        assert!(add.stdin(stdin).output().expect("it runs").status.success());
    }
    // What a part of another machine is told: where, how to know it, how to come in.
    let there = |section: &str, user: &str, trust: &str| {
        let broker = format!("{section}.broker=mqtts://{user}@{tls}");
        let file = format!("{section}.password_file={}", password.display());
        let sets = [broker, file, format!("{section}.{trust}")];
        sets.into_iter().flat_map(|set| ["--set".to_owned(), set]).collect::<Vec<_>>()
    };
    let elsewhere = folder();
    let watch = |trust: &str, more: &[&str]| {
        let mut watch = vitrina(elsewhere.path());
        watch.args(there("gallery", "ada", trust)).args(more).args(["watch", "--once"]);
        watch
    };

    // A fingerprint that is wrong tells the right one.
    let told = complaint(&mut watch(&format!("fingerprint={}", "00".repeat(32)), &[]));
    assert!(told.contains("another certificate"), "{told}");
    let trust = format!("fingerprint={}", fingerprint(&told.replace("expected", "")));
    // An authority that is none of the broker's tells it as well.
    let other = folder();
    certified(other.path());
    let ca_file = format!("ca_file={}", other.path().join("certificate.pem").display());
    let told = complaint(&mut watch(&ca_file, &[]));
    assert!(told.contains("is not trusted"), "{told}");
    assert_eq!(format!("fingerprint={}", fingerprint(&told)), trust);
    // The port without TLS.
    let plainly = format!("gallery.broker=mqtts://ada@{plain}");
    let told = complaint(&mut watch(&trust, &["--set", &plainly]));
    assert!(told.contains("does not speak TLS"), "{told}");

    let (node_data, wall_data) = (folder(), folder());
    let mut node = vitrina(node_data.path());
    node.args(there("node", "workshop", &trust)).args(["--set", "node.name=workshop", "node"]);
    let node = Running::start(&mut node);
    let mut wall = vitrina(wall_data.path());
    let ca_file = format!("ca_file={}", data.path().join("certificate.pem").display());
    wall.args(FREE).args(there("gallery", "wall", &ca_file)).arg("gallery");
    let wall = Running::start(&mut wall);
    until("the wall has a picture", || {
        let (_, cameras) = get(wall.gallery.expect("a wall"), "/api/cameras");
        cameras.contains("\"age_ms\":").then_some(())
    });
    until("the table has the camera with a picture", || {
        let output = output(&mut watch(&trust, &[]));
        let table = String::from_utf8(output.stdout).expect("text");
        table.lines().any(|l| l.contains("test-card") && l.contains(" s ")).then_some(())
    });
    // What is gone the gallery may clear, although it may not speak in a node's name.
    let forget = || request(wall.gallery.expect("a wall"), "DELETE", "/api/nodes/workshop");
    let (status, told) = forget();
    assert_eq!(status, 409, "{told}");
    assert_eq!(node.stop(), Some(0));
    until("the node is forgotten", || match forget() {
        (204, _) => Some(()),
        (409, _) => None,
        other => panic!("{other:?}"),
    });
    let (_, cameras) = get(wall.gallery.expect("a wall"), "/api/cameras");
    assert_eq!(cameras, "[]");
    for part in [wall, house] {
        assert_eq!(part.stop(), Some(0));
    }
}
