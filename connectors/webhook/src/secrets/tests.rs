//! What opens, what does not, and what a key file must be.

use super::*;
use aws_lc_rs::rand::SystemRandom;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::PathBuf,
};
use tempfile::TempDir;

struct World {
    _folder: TempDir,
    path: PathBuf,
    random: SystemRandom,
    keys: MasterKeys,
}

fn world() -> World {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys");
    let random = SystemRandom::new();
    let keys = MasterKeys::create(&path, "2026-11", &random).unwrap();
    World {
        _folder: folder,
        path,
        random,
        keys,
    }
}

impl World {
    fn seal(&self, connector: &str, field: &str, text: &str) -> Sealed {
        let sealer = self.keys.sealer(connector, &self.random).unwrap();
        sealer.seal(field, &secret(text), &self.random).unwrap()
    }

    fn opened(&self, connector: &str, field: &str, sealed: &str) -> Result<String, OpenError> {
        let opened = self.keys.open(connector, field, sealed);
        opened.map(|it| it.expose_secret().to_owned())
    }
}

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

#[test]
fn a_secret_opens_for_its_connector_and_field_alone() {
    let world = world();
    for text in ["hunter2", "", "é\u{0}\n", &"x".repeat(10_000)] {
        let sealed = world.seal("hook", "token", text);
        assert_eq!(
            world.opened("hook", "token", &sealed.sealed).as_deref(),
            Ok(text)
        );
        for (connector, field) in [
            ("hook2", "token"),
            ("hook", "password"),
            ("hookt", "oken"),
            ("", "hooktoken"),
        ] {
            assert_eq!(
                world.opened(connector, field, &sealed.sealed),
                Err(OpenError::Refused)
            );
        }
    }
}

#[test]
fn a_changed_bit_anywhere_opens_nothing() {
    let world = world();
    let sealed = STANDARD
        .decode(world.seal("hook", "token", "hunter2").sealed)
        .unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(
            world
                .opened("hook", "token", &STANDARD.encode(&changed))
                .is_err(),
            "byte {at}"
        );
        let cut = STANDARD.encode(&sealed[..at]);
        assert!(world.opened("hook", "token", &cut).is_err(), "cut at {at}");
    }
    assert_eq!(
        world.opened("hook", "token", "not base64!"),
        Err(OpenError::Malformed)
    );
}

#[test]
fn the_text_of_one_secret_does_not_open_under_the_data_key_of_another() {
    let world = world();
    let bytes = |sealed: Sealed| STANDARD.decode(sealed.sealed).unwrap();
    let (one, other) = (
        bytes(world.seal("hook", "token", "aaaaaaa")),
        bytes(world.seal("hook", "token", "bbbbbbb")),
    );
    let at = one.len() - 7 - 12 - 16;
    let mixed = [&one[..at], &other[at..]].concat();
    assert_eq!(
        world.opened("hook", "token", &STANDARD.encode(mixed)),
        Err(OpenError::Refused)
    );
}

#[test]
fn the_same_secret_sealed_twice_differs_and_has_the_same_print() {
    let world = world();
    let (one, two) = (
        world.seal("hook", "token", "hunter2"),
        world.seal("hook", "token", "hunter2"),
    );
    assert_ne!(one.sealed, two.sealed);
    assert_eq!(one.print, two.print);
    assert_ne!(one.print, world.seal("hook", "token", "hunter3").print);
    assert_ne!(one.print, world.seal("hook2", "token", "hunter2").print);
}

#[test]
fn after_a_rotation_the_old_opens_the_new_seals_and_a_rewrapped_secret_needs_the_old_key_no_more() {
    let mut world = world();
    let before = world.seal("hook", "token", "hunter2");
    world
        .keys
        .rotate(&world.path, "2027-01", &world.random)
        .unwrap();
    assert_eq!(world.keys.ids().collect::<Vec<_>>(), ["2027-01", "2026-11"]);
    assert_eq!(
        world.opened("hook", "token", &before.sealed).as_deref(),
        Ok("hunter2")
    );
    let after = world.seal("hook", "token", "hunter2");
    assert_eq!(MasterKeys::sealed_under(&after.sealed).unwrap(), "2027-01");
    assert_eq!(after.print, before.print, "a print outlives a rotation");
    let rewrapped = world
        .keys
        .rewrap("hook", &before.sealed, &world.random)
        .unwrap()
        .unwrap();
    assert_eq!(
        world.keys.rewrap("hook", &rewrapped, &world.random),
        Ok(None)
    );
    assert_eq!(
        world.keys.rewrap("hook2", &before.sealed, &world.random),
        Err(OpenError::Refused)
    );
    world.keys.retire(&world.path, "2026-11").unwrap();
    let unknown = Err(OpenError::UnknownMasterKey("2026-11".to_owned()));
    assert_eq!(world.opened("hook", "token", &before.sealed), unknown);
    assert_eq!(
        world.opened("hook", "token", &rewrapped).as_deref(),
        Ok("hunter2")
    );
    assert!(
        world.keys.retire(&world.path, "2027-01").is_err(),
        "the current one stays"
    );
    let read = MasterKeys::load(&world.path).unwrap();
    assert_eq!(read.ids().collect::<Vec<_>>(), ["2027-01"]);
    assert_eq!(
        read.open("hook", "token", &rewrapped)
            .unwrap()
            .expose_secret(),
        "hunter2"
    );
}

#[test]
fn a_key_file_is_its_owners_alone_and_never_made_over_another() {
    let world = world();
    assert_eq!(fs::metadata(&world.path).unwrap().mode() & 0o7777, 0o600);
    for mode in [0o640, 0o604, 0o620, 0o666, 0o601] {
        fs::set_permissions(&world.path, Permissions::from_mode(mode)).unwrap();
        let refused = MasterKeys::load(&world.path).unwrap_err();
        assert!(matches!(refused, KeyFileError::Open { .. }), "{mode:o}");
        assert!(refused.to_string().contains("chmod 600"));
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&world.path, Permissions::from_mode(mode)).unwrap();
        assert!(MasterKeys::load(&world.path).is_ok(), "{mode:o}");
    }
    let before = fs::read(&world.path).unwrap();
    let again = MasterKeys::create(&world.path, "x", &world.random);
    assert!(matches!(again, Err(KeyFileError::Exists(_))));
    assert_eq!(fs::read(&world.path).unwrap(), before);
    let beside = fs::read_dir(world.path.parent().unwrap()).unwrap().count();
    assert_eq!(beside, 1, "nothing is left beside it");
    let missing = MasterKeys::load(&world.path.with_file_name("none"));
    assert!(matches!(missing, Err(KeyFileError::Missing(_))));
    let folder = MasterKeys::load(world.path.parent().unwrap());
    assert!(folder.is_err());
}

#[test]
fn a_rotation_that_a_crash_cut_off_is_in_the_way_of_nothing() {
    let mut world = world();
    let left = world.path.with_file_name("keys.new");
    fs::write(&left, "half").unwrap();
    world
        .keys
        .rotate(&world.path, "next", &world.random)
        .unwrap();
    assert!(!left.exists());
    assert_eq!(fs::metadata(&world.path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(MasterKeys::load(&world.path).unwrap().current(), "next");
}

#[test]
fn what_is_no_key_file_is_refused_by_its_line_and_shows_no_key() {
    let world = world();
    let key = STANDARD.encode([7; 32]);
    let short = STANDARD.encode([7; 31]);
    for text in [
        String::new(),
        format!("a {key}"),
        format!("print {key}"),
        format!("print {key}\nprint {key}\na {key}"),
        format!("a {key}\na {key}\nprint {key}"),
        format!("a {short}\nprint {key}"),
        format!("a b c\nprint {key}"),
        format!("a\nprint {key}"),
        format!("a/b {key}\nprint {key}"),
        "x".repeat(20_000),
    ] {
        fs::write(&world.path, &text).unwrap();
        let refused = MasterKeys::load(&world.path).unwrap_err();
        assert!(
            !format!("{refused:?} {refused}").contains(&key[..20]),
            "{refused}"
        );
    }
    fs::write(
        &world.path,
        format!("# two\n\nb {key}\na {key}\nprint {key}\n"),
    )
    .unwrap();
    assert_eq!(MasterKeys::load(&world.path).unwrap().current(), "b");
    let mut keys = MasterKeys::load(&world.path).unwrap();
    for id in ["", "print", "a b", "a", &"x".repeat(65)] {
        assert!(
            keys.rotate(&world.path, id, &world.random).is_err(),
            "{id:?}"
        );
    }
    assert_eq!(keys.current(), "b");
}

#[test]
fn nothing_of_it_shows_a_secret() {
    let world = world();
    let sealer = world.keys.sealer("hook", &world.random).unwrap();
    let sealed = world.seal("hook", "token", "hunter2");
    let shown = format!("{:?} {sealer:?} {sealed:?}", world.keys);
    assert_eq!(
        shown,
        r#"MasterKeys(["2026-11"]) Sealer { connector: "hook", .. } Sealed(…)"#
    );
}
