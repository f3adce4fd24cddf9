//! Keeps off the standard error what FFmpeg has to say inside of OpenCV: a line for each attempt to reach a camera, and for
//! each picture that a bad link damaged. The log tells what matters of it, once.

use std::{env, os::unix::process::CommandExt, process::Command};

/// What OpenCV reads FFmpeg's log level from, when FFmpeg is first used.
const LEVEL: &str = "OPENCV_FFMPEG_LOGLEVEL";
/// FFmpeg's `AV_LOG_QUIET`.
const QUIET: &str = "-8";

/// Starts this program again with the level in its environment, unless it is there already. No running program can change its
/// own environment safely; process number and open files stay the same.
pub(super) fn ffmpeg() {
    let (None, Ok(program)) = (env::var_os(LEVEL), env::current_exe()) else {
        return;
    };
    let mut words = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = words.next() {
        command.arg0(name);
    }
    // Returns only where it can't be done: better to go on and be told too much.
    let _error = command.args(words).env(LEVEL, QUIET).exec();
}
