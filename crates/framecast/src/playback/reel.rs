//! Finding pictures in the archive: at a time, so many further, the next that is worth showing. All of it blocks.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    ask::Shift,
    shot::{Origin, Shot},
    transport::Position,
};
use crate::recordings::{At, Cursor, Error, Recordings};

/// Two clocks that are read one after the other, and the archive's ticks, leave moments so far apart that are the same.
const SAME: Duration = Duration::from_millis(1);
/// How far from a picture that was live the archive is searched for it.
const NEAR: Duration = Duration::from_secs(2);

/// What is in the archive at a time.
#[derive(Debug)]
pub(super) enum Found {
    /// This picture is to be seen then, and the session stands there.
    Shot(Shot, Position),
    /// Nothing yet: what is behind the end of the archive is live.
    Live,
    /// Nothing at all.
    Nothing,
}

impl Found {
    fn shot(shot: impl Into<Shot>) -> Self {
        let shot = shot.into();
        let position = shot.position;
        Self::Shot(shot, position)
    }
}

/// The pictures before and at or after a time.
struct Around {
    before: Option<Shot>,
    after: Option<Shot>,
}

impl Around {
    fn of(cursor: &mut Cursor, time: SystemTime) -> Result<Self, Error> {
        cursor.seek(At::Wall(time))?;
        let before = cursor.previous()?;
        if before.is_some() {
            cursor.next()?;
        }
        let after = cursor.next()?.map(Shot::from);
        Ok(Self {
            before: before.map(Shot::from),
            after,
        })
    }

    /// The picture that was to be seen at the time, if it was being recorded then.
    fn seen(&self, time: SystemTime) -> Option<&Shot> {
        if let Some(after) = &self.after
            && after.position.wall <= time
        {
            return Some(after);
        }
        let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
        (after.follows(before, false) && before.position.wall <= time).then_some(before)
    }
}

/// What is in a camera's archive at a time. Where nothing was recorded then, it is what came after, or before for one who
/// goes back.
pub(super) fn find(
    recordings: &Recordings,
    camera: &str,
    time: SystemTime,
    back: bool,
) -> Result<Found, Error> {
    let mut cursor = recordings.cursor(camera, At::End)?;
    let around = Around::of(&mut cursor, time)?;
    if let Some(seen) = around.seen(time) {
        let since = time.duration_since(seen.position.wall).unwrap_or_default();
        let position = seen.position.shifted(since, false);
        return Ok(Found::Shot(seen.clone(), position));
    }
    Ok(match (around.before, around.after) {
        (Some(before), _) if back => Found::shot(before),
        (_, Some(after)) => Found::shot(after),
        (Some(_), None) => Found::Live,
        (None, None) => Found::Nothing,
    })
}

/// The picture that was to be seen at a time, or else the time of the nearest one that there is.
pub(super) fn exactly(
    recordings: &Recordings,
    camera: &str,
    time: SystemTime,
) -> Result<Result<Shot, Option<SystemTime>>, Error> {
    let mut cursor = recordings.cursor(camera, At::End)?;
    let around = Around::of(&mut cursor, time)?;
    if let Some(seen) = around.seen(time) {
        return Ok(Ok(seen.clone()));
    }
    if let Some(before) = &around.before
        && let Ok(since) = time.duration_since(before.position.wall)
    {
        // The last of a run was to be seen for as long as the one before it.
        place(&mut cursor, before, true)?;
        let shown = cursor.previous()?.map(Shot::from);
        let shown = shown.filter(|earlier| before.follows(earlier, false));
        let interval = shown.map_or(Duration::ZERO, |earlier| {
            before
                .position
                .monotonic
                .saturating_sub(earlier.position.monotonic)
        });
        if since <= interval.max(NEAR) {
            return Ok(Ok(before.clone()));
        }
    }
    let away = |shot: &Shot| {
        let wall = shot.position.wall;
        wall.duration_since(time)
            .unwrap_or_else(|before| before.duration())
    };
    let both = around.before.into_iter().chain(around.after);
    Ok(Err(both
        .min_by_key(away)
        .map(|nearest| nearest.position.wall)))
}

/// What is so far from a place. It is never on the other side of where one stands.
pub(super) fn shift(
    recordings: &Recordings,
    camera: &str,
    from: Option<&Shot>,
    position: Position,
    shift: Shift,
) -> Result<Found, Error> {
    let time = position.shifted(shift.by, shift.back).wall;
    let found = find(recordings, camera, time, shift.back)?;
    let Some(from) = from else { return Ok(found) };
    // Only where the wall clock was set back.
    let astray = match &found {
        Found::Shot(shot, _) if shift.back => from.is_before(shot) == Some(true),
        Found::Shot(shot, _) => shot.is_before(from) == Some(true),
        Found::Live | Found::Nothing => false,
    };
    if !astray {
        return Ok(found);
    }
    let by = if shift.back { -1 } else { 1 };
    Ok(match step(recordings, camera, from, by)? {
        Some(shot) => Found::shot(shot),
        None if shift.back => Found::shot(from.clone()),
        None => Found::Live,
    })
}

/// The picture so many further, or back for a number below zero, as far as there are so many; `None` if there is none.
pub(super) fn step(
    recordings: &Recordings,
    camera: &str,
    from: &Shot,
    by: i64,
) -> Result<Option<Shot>, Error> {
    let mut reel = Reel::open(recordings, camera)?;
    let back = by < 0;
    reel.place(from, back)?;
    let mut found = None;
    for _ in 0..by.unsigned_abs() {
        match reel.read(back)? {
            Some(shot) => found = Some(shot),
            None => break,
        }
    }
    Ok(found)
}

/// Reads one picture after the other for a session that plays.
#[derive(Debug)]
pub(super) struct Reel {
    cursor: Cursor,
    /// What was live was shown already, though it came into the archive only now.
    floor: Option<Duration>,
}

/// Which picture is wanted next.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The one that is shown now.
    pub(super) shown: Arc<Shot>,
    pub(super) back: bool,
    /// Where the session stands: what lies behind that comes too late.
    pub(super) position: Duration,
    /// Pictures closer to the one that is shown are of no use.
    pub(super) spacing: Duration,
}

impl Wanted {
    fn is_too_close(&self, shot: &Shot) -> bool {
        let (Origin::Archive { run, .. }, Origin::Archive { run: other, .. }) =
            (self.shown.origin, shot.origin)
        else {
            return false;
        };
        let (shown, taken) = (self.shown.position.monotonic, shot.position.monotonic);
        run == other && shown.abs_diff(taken) < self.spacing
    }
}

/// The next picture, and how many came too late.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) shot: Shot,
    pub(super) late: usize,
}

impl Reel {
    pub(super) fn open(recordings: &Recordings, camera: &str) -> Result<Self, Error> {
        Ok(Self {
            cursor: recordings.cursor(camera, At::End)?,
            floor: None,
        })
    }

    /// Goes to where a picture is.
    pub(super) fn place(&mut self, shot: &Shot, back: bool) -> Result<(), Error> {
        self.floor = match shot.origin {
            Origin::Live if !back => Some(shot.position.monotonic + SAME),
            _ => None,
        };
        place(&mut self.cursor, shot, back)
    }

    /// The next picture that is worth showing; `None` at the end of the archive.
    pub(super) fn next(&mut self, wanted: &Wanted) -> Result<Option<Next>, Error> {
        let mut late = 0;
        loop {
            late += self.pass(wanted);
            match self.read(wanted.back)? {
                // The first of the next file.
                Some(shot) if wanted.is_too_close(&shot) => {}
                Some(shot) => return Ok(Some(Next { shot, late })),
                None => return Ok(None),
            }
        }
    }

    /// Passes over what is of no use, and says how many of those came too late.
    fn pass(&mut self, wanted: &Wanted) -> usize {
        let same_run = match wanted.shown.origin {
            Origin::Archive { run, .. } => self.cursor.run() == Some(run),
            Origin::Live => false,
        };
        // The monotonic time of another run may be that of another start of the machine.
        if !same_run {
            return 0;
        }
        let shown = wanted.shown.position.monotonic;
        let (close, behind);
        if wanted.back {
            close = self.cursor.behind(shown.saturating_sub(wanted.spacing));
            behind = self.cursor.behind(wanted.position);
        } else {
            close = self.cursor.ahead(shown.saturating_add(wanted.spacing));
            behind = self.cursor.ahead(wanted.position);
        }
        // The last of those that lie behind is the one to be seen now.
        let late = behind.saturating_sub(1).saturating_sub(close);
        if wanted.back {
            self.cursor.skip_back(close + late);
        } else {
            self.cursor.skip(close + late);
        }
        late
    }

    fn read(&mut self, back: bool) -> Result<Option<Shot>, Error> {
        loop {
            let read = if back {
                self.cursor.previous()?
            } else {
                self.cursor.next()?
            };
            let Some(recorded) = read else {
                return Ok(None);
            };
            if self.floor.is_some_and(|floor| recorded.monotonic < floor) {
                continue;
            }
            self.floor = None;
            return Ok(Some(recorded.into()));
        }
    }
}

/// Goes to behind a picture, or to before it for going back.
fn place(cursor: &mut Cursor, shot: &Shot, back: bool) -> Result<(), Error> {
    let taken = shot.position.monotonic;
    let (segment, index) = match shot.origin {
        Origin::Archive { segment, index, .. } => (segment, index),
        Origin::Live => {
            let near = shot.position.shifted(NEAR, true).wall;
            cursor.seek(At::Wall(near))?;
            let edge = if back {
                taken.saturating_sub(SAME)
            } else {
                taken + SAME
            };
            loop {
                cursor.skip(cursor.ahead(edge));
                match cursor.next()? {
                    Some(recorded) if recorded.monotonic < edge => {}
                    Some(_) => {
                        cursor.previous()?;
                        return Ok(());
                    }
                    None => return Ok(()),
                }
            }
        }
    };
    let index = if back { index } else { index + 1 };
    cursor.seek(At::Picture { segment, index })
}
