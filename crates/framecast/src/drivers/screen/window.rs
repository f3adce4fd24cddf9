//! Which window is meant.

use framecast_camera::{Error, ErrorKind, Result};
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, Window};

use super::display::Display;

/// The most windows that are looked at.
const MOST: usize = 10_000;

/// The window of that number (`0x…`), or with that title: all of it, or else a part in whatever case.
pub(super) fn find(display: &Display, wanted: &str) -> Result<Window> {
    if let Some(number) = wanted.strip_prefix("0x")
        && let Ok(number) = Window::from_str_radix(number, 16)
    {
        return Ok(number);
    }
    let titles = titles(display)?;
    let part = wanted.to_lowercase();
    let exact = titles.iter().find(|(_, title)| title == wanted);
    let found = exact.or_else(|| {
        titles
            .iter()
            .find(|(_, title)| title.to_lowercase().contains(&part))
    });
    found.map(|(window, _)| *window).ok_or_else(|| {
        Error::new(
            ErrorKind::Unavailable,
            format!("no window on `{}` is called `{wanted}`", display.name),
        )
    })
}

/// All windows that have a title, outermost first.
fn titles(display: &Display) -> Result<Vec<(Window, String)>> {
    let atom = |name: &[u8]| -> Result<Atom> {
        let cookie = display.server.intern_atom(false, name);
        let reply = cookie.map_err(|why| display.lost(why))?.reply();
        Ok(reply.map_err(|why| display.failed(why))?.atom)
    };
    let (net_name, utf8) = (atom(b"_NET_WM_NAME")?, atom(b"UTF8_STRING")?);
    let text = |window, property: Atom, kind: Atom| -> Result<Option<String>> {
        let cookie = display
            .server
            .get_property(false, window, property, kind, 0, 1024);
        let reply = display.answer(cookie.map_err(|why| display.lost(why))?.reply())?;
        let value = reply.map(|reply| reply.value).filter(|it| !it.is_empty());
        Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()))
    };
    let mut titles = Vec::new();
    let mut windows = vec![display.screen.root];
    let mut next = 0;
    while let Some(&window) = windows.get(next) {
        next += 1;
        let title = match text(window, net_name, utf8)? {
            Some(title) => Some(title),
            None => text(window, AtomEnum::WM_NAME.into(), AtomEnum::ANY.into())?,
        };
        // The root window may have one too, from a window manager: that is no window's.
        titles.extend(title.filter(|_| next > 1).map(|title| (window, title)));
        let cookie = display.server.query_tree(window);
        let tree = display.answer(cookie.map_err(|why| display.lost(why))?.reply())?;
        if windows.len() < MOST {
            windows.extend(tree.into_iter().flat_map(|tree| tree.children));
        }
    }
    Ok(titles)
}
