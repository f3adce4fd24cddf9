//! Every dependency has a licence that `deny.toml` allows, and the list there has no licence that nothing needs.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{cell::RefCell, collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;
use spdx::{Expression, ParseMode};

/// The licences in the list of `deny.toml`.
fn allowed() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deny.toml");
    let deny: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    let list = deny["licenses"]["allow"].as_array().unwrap();
    list.iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// Name, version and licence expression of every package that any member depends on, on whatever platform.
fn packages() -> Vec<(String, Option<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    packages
        .iter()
        .map(|package| {
            let name = format!("{} {}", package["name"], package["version"]);
            (name.replace('"', ""), text(&package["license"]))
        })
        .collect()
}

#[test]
fn every_dependency_has_a_licence_that_is_allowed_and_every_allowed_one_is_needed() {
    let allowed = allowed();
    let needed = RefCell::new(BTreeSet::new());
    let packages = packages();
    assert!(packages.len() > 50, "{packages:?}");

    let mut faults = Vec::new();
    for (package, licence) in &packages {
        let Some(licence) = licence else {
            faults.push(format!("{package}: no licence is stated"));
            continue;
        };
        let expression = match Expression::parse_mode(licence, ParseMode::LAX) {
            Ok(expression) => expression,
            Err(error) => {
                faults.push(format!("{package}: `{licence}` can't be read: {error}"));
                continue;
            }
        };
        let met = expression.evaluate(|requirement| {
            let name = requirement.license.to_string();
            let met = allowed.contains(&name) && requirement.addition.is_none();
            if met {
                needed.borrow_mut().insert(name);
            }
            met
        });
        if !met {
            faults.push(format!(
                "{package}: `{licence}` is not in the list of deny.toml"
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let unused: Vec<_> = allowed.difference(&needed.into_inner()).cloned().collect();
    assert!(
        unused.is_empty(),
        "deny.toml allows what nothing needs: {unused:?}"
    );
}
