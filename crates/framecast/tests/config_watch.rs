//! A change of the file is noticed however it is made, and nothing else is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, os::unix::fs::symlink, path::Path, time::Duration};

use framecast::config::{Watch, watch};
use tokio::time::timeout;

/// Far longer than a change takes to be noticed.
const SURE: Duration = Duration::from_secs(10);

async fn notices(watch: &mut Watch) -> bool {
    timeout(SURE, watch.changed()).await.is_ok()
}

async fn stays_quiet(watch: &mut Watch) -> bool {
    timeout(Duration::from_millis(700), watch.changed())
        .await
        .is_err()
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn a_file_written_in_place_or_renamed_over_is_noticed_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("framecast.toml");
    write(&path, "1");
    let mut watch = watch(&path).unwrap();
    for text in ["2", "3"] {
        write(&path, text);
        assert!(notices(&mut watch).await, "{text}");
    }
    for text in ["4", "5"] {
        let new = folder.path().join("framecast.toml~");
        write(&new, text);
        fs::rename(new, &path).unwrap();
        assert!(notices(&mut watch).await, "{text}");
    }
    fs::remove_file(&path).unwrap();
    assert!(stays_quiet(&mut watch).await, "gone for the moment");
    write(&path, "6");
    assert!(notices(&mut watch).await);
}

#[tokio::test]
async fn several_writes_in_a_row_are_one_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("framecast.toml");
    let mut watch = {
        write(&path, "");
        watch(&path).unwrap()
    };
    for round in 0..5 {
        write(&path, &format!("{round}"));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(notices(&mut watch).await);
    assert!(stays_quiet(&mut watch).await);
}

#[tokio::test]
async fn a_neighbour_or_the_same_contents_are_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("framecast.toml");
    write(&path, "same");
    let mut watch = watch(&path).unwrap();
    write(&folder.path().join("other.toml"), "x");
    write(&path, "same");
    assert!(stays_quiet(&mut watch).await);
}

/// `framecast.toml -> ..data/framecast.toml`, `..data -> ..1`: an update makes `..2` and renames a new `..data` over the old.
#[tokio::test]
async fn a_config_map_of_kubernetes_is_noticed_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let swap = |version: &str| {
        fs::create_dir(at(version)).unwrap();
        write(&at(version).join("framecast.toml"), version);
        symlink(version, at("..new")).unwrap();
        fs::rename(at("..new"), at("..data")).unwrap();
    };
    swap("..1");
    symlink("..data/framecast.toml", at("framecast.toml")).unwrap();
    let mut watch = watch(&at("framecast.toml")).unwrap();
    for (old, new) in [("..1", "..2"), ("..2", "..3")] {
        swap(new);
        fs::remove_dir_all(at(old)).unwrap();
        assert!(notices(&mut watch).await, "{new}");
    }
}

#[tokio::test]
async fn a_file_behind_a_link_into_another_directory_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("real.toml");
    write(&target, "1");
    let link = folder.path().join("framecast.toml");
    symlink(&target, &link).unwrap();
    let mut watch = watch(&link).unwrap();
    write(&target, "2");
    assert!(notices(&mut watch).await);
}

#[tokio::test]
async fn a_change_is_not_lost_when_the_waiting_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("framecast.toml");
    write(&path, "1");
    let mut watch = watch(&path).unwrap();
    write(&path, "2");
    let given_up = timeout(Duration::from_millis(100), watch.changed()).await;
    assert!(given_up.is_err(), "it waits until it is quiet");
    assert!(notices(&mut watch).await);
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_told() {
    assert!(watch(Path::new("/nowhere/framecast.toml")).is_err());
}
