//! The OpenAPI document against the program that serves it: schemathesis asks for what the document allows and for what it
//! does not, and compares what comes with what was promised.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::process::Command;

use server::{framecast, python};

#[test]
fn every_answer_is_as_the_document_says() {
    let start = framecast().arg("--record").arg("always");
    let folder = start.path("recordings");
    let start = start.arg("--recordings").arg(folder);
    let server = start
        .camera("test#size=160x120")
        .camera("door=push")
        .spawn();
    let schemathesis = python().with_file_name("schemathesis");
    let document = server.url("/api/v1/openapi.json");
    let budget = ["--max-examples", "60", "--request-timeout", "20"];
    // Not that all which a schema allows is accepted: whether a camera can be made of a source, no schema can tell.
    let left_out = ["--exclude-checks", "positive_data_acceptance"];
    // What it keeps for its next run goes with the folder.
    let said = Command::new(schemathesis)
        .args(["run", &document, "--no-color"])
        .args(budget)
        .args(left_out)
        .current_dir(server.path("."))
        .output()
        .expect("schemathesis, which `tools/setup` installs");
    let report = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success(), "{report}");
    // It tested something.
    assert!(report.contains("Operations:       26 selected"), "{report}");
    let log = server.log();
    assert!(!log.contains("panicked"), "{log}");
}
