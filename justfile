# What is there: `just --list`.

# Everything but the tests: format, lints, documentation, licences.
check:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --all-features --no-deps
    cargo deny check licenses bans sources

# All tests, with what they need installed first.
test:
    ./test

# Known vulnerabilities in dependencies. Needs GitHub.
advisories:
    cargo deny check advisories

# A server with the emulated camera.
run *arguments:
    cargo run --release -- {{arguments}}
