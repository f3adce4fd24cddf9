//! The player on a camera's page: somebody goes back in time with mouse and keyboard.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/browser/mod.rs"]
mod browser;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/server.rs"]
mod server;

use browser::{Browser, Kind, Options, Result};
use proxy::Proxy;
use rustix::process::Signal;
use serde_json::Value;
use server::{Server, eventually, framecast};
use tokio::sync::{Mutex, MutexGuard};

/// Two browsers at once are too slow for each other's patience on a small machine.
static ALONE: Mutex<()> = Mutex::const_new(());

/// What every script here may use: the page's parts, and what is shown.
const PAGE: &str = "
    const stage = document.querySelector('[data-stage]');
    const camera = document.querySelector('framecast-camera');
    const press = (wish) => document.querySelector(`[data-do=${wish}]`).click();
    const key = (key, on = document.body) => on.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    const shownAt = () => Date.parse(document.querySelector('[data-time]').dateTime) || null;
    // What is asked is shown at once; what counts is what the server made of it.
    const playing = () => stage.dataset.busy === 'true' ? 'asking' : stage.dataset.playing;
    const print = () => {
        const canvas = camera.shadowRoot.querySelector('canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.reduce((hash, value) => (hash * 31 + value) | 0, 0);
    };
    const printOf = async (url) => {
        const picture = await createImageBitmap(await (await fetch(url)).blob());
        const canvas = new OffscreenCanvas(picture.width, picture.height);
        const context = canvas.getContext('2d', { alpha: false });
        context.drawImage(picture, 0, 0);
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
        return data.reduce((hash, value) => (hash * 31 + value) | 0, 0);
    };
    // The page tells times to the millisecond, and pictures are taken between two.
    const recordedAt = (time) => printOf(`snapshot.jpg?at=${(time + 1) / 1000}`);
    const until = async (what, wanted) => {
        for (const end = Date.now() + 15000; Date.now() < end; await new Promise((done) => setTimeout(done, 30)))
            if (await wanted()) return;
        throw new Error(`${what}: playing ${playing()}, shown ${shownAt()}, ${document.querySelector('[data-line]').textContent}`);
    };
";

fn configuration(path: &std::path::Path, record: &str) -> String {
    format!(
        "[recordings]\npath = {path:?}\nmin_free = 0\n[cameras.door]\nsource = \"test\"\nsize = \"160x120\"\nfps = 5\n{record}\n"
    )
}

fn serve(record: &str) -> Server {
    let start = framecast();
    let path = start.path("recordings");
    start.config(&configuration(&path, record)).spawn()
}

/// Runs a script in the camera's page; what it throws fails the test.
async fn run(browser: &mut Browser, body: &str) -> Result<Value> {
    let body =
        format!("{PAGE} try {{ {body} }} catch (error) {{ return `failed: ${{error.message}}`; }}");
    let said = browser.eval(&body).await?;
    match said.as_str() {
        Some(text) if text.starts_with("failed: ") => Err(text.into()),
        _ => Ok(said),
    }
}

fn recorded(server: &Server, ago: &str) {
    eventually("a recording", || {
        let answer = server.get(&format!("/cameras/door/snapshot.jpg?at={ago}"));
        match answer.status {
            200 => Ok(()),
            status => Err(status.to_string()),
        }
    });
}

async fn open(url: &str, mood: &str) -> Result<(MutexGuard<'static, ()>, Browser)> {
    let alone = ALONE.lock().await;
    let mut browser = Browser::start(Kind::Chromium, Options::default()).await?;
    browser.open(url).await?;
    let ready = format!("document.querySelector('framecast-camera').dataset.mood === '{mood}'");
    browser.until(&ready).await?;
    Ok((alone, browser))
}

/// Goes to a place on the timeline by a click, and returns the time that the page shows then, paused.
const SEEK: &str = "
    const canvas = document.querySelector('[data-timeline] canvas');
    await until('a timeline', () => canvas.clientWidth > 0 && Number(canvas.getAttribute('aria-valuemax')) > 0);
    for (let zoom = 0; zoom < 8; zoom++) press('closer');
    const [from, to] = ['min', 'max'].map((end) => Number(canvas.getAttribute(`aria-value${end}`)));
    const wanted = Date.now() / 1000 - 4;
    await until('a short range', () => canvas.getAttribute('aria-valuemax') - canvas.getAttribute('aria-valuemin') <= 61);
    const box = canvas.getBoundingClientRect();
    const least = Number(canvas.getAttribute('aria-valuemin'));
    const most = Number(canvas.getAttribute('aria-valuemax'));
    const clientX = box.left + (box.width * (wanted - least)) / (most - least);
    const at = { clientX, clientY: box.top + 10, pointerId: 1, pointerType: 'mouse', button: 0, bubbles: true };
    canvas.setPointerCapture = () => {};
    canvas.dispatchEvent(new PointerEvent('pointerdown', at));
    canvas.dispatchEvent(new PointerEvent('pointerup', at));
";

#[tokio::test(flavor = "multi_thread")]
async fn the_player_goes_back_stops_steps_and_returns() -> Result<()> {
    let server = serve("record = \"always\"");
    recorded(&server, "-6s");
    let (_alone, mut browser) = open(&server.url("/cameras/door/"), "live").await?;

    // A click on the timeline shows what was recorded then.
    let seek = format!(
        "{SEEK}
         await until('the past', () => playing() === 'past' && shownAt() !== null && camera.dataset.mood === 'past');
         // The pointer tells of a place to the pixel, and aria of times to the second.
         const off = Math.abs(shownAt() / 1000 - wanted);
         key(' ');
         await until('a pause', () => playing() === 'paused');
         await until('the picture of that time', async () => print() === await recordedAt(shownAt()));
         return off;"
    );
    let off = run(&mut browser, &seek).await?;
    assert!(off.as_f64().unwrap() < 3.0, "{off} seconds off");

    // A pause stays, a step is one picture, and another back is where it was.
    let step = "
        const [time, picture] = [shownAt(), print()];
        await new Promise((done) => setTimeout(done, 1500));
        if (shownAt() !== time || print() !== picture || playing() !== 'paused') return 'failed: the pause does not stay';
        key('.');
        await until('a step', () => shownAt() !== time && print() !== picture);
        const step = shownAt() - time;
        await until('the stepped picture', async () => print() === await recordedAt(shownAt()));
        press('step-back');
        await until('a step back', () => shownAt() === time && print() === picture);
        return step;";
    let step = run(&mut browser, step).await?;
    // Five pictures a second; a machine that is busy takes some of them late.
    let step = step.as_f64().unwrap();
    assert!((100.0..1000.0).contains(&step), "{step} ms");

    // Keys act, but not while somebody types; there are no more requests than sessions.
    let keys = "
        key('l', document.querySelector('[data-when]'));
        const time = shownAt();
        key('ArrowLeft');
        await until('something before', () => shownAt() < time);
        key('l');
        await until('live', () => playing() === 'live' && camera.dataset.mood === 'live' && !camera.hasAttribute('session'));
        const before = print();
        await until('moving pictures', () => print() !== before);
        return document.querySelector('[data-do=live]').textContent;";
    assert_eq!(run(&mut browser, keys).await?, "Live");

    // A menu of speeds: backwards, time falls.
    let back = "
        press('toggle');
        await until('a pause', () => playing() === 'paused' && shownAt() !== null);
        const speed = document.querySelector('[data-speed]');
        const time = shownAt();
        speed.value = '-1';
        speed.dispatchEvent(new Event('change'));
        press('toggle');
        await until('earlier pictures', () => shownAt() < time - 1000);
        press('live');
        await until('live', () => playing() === 'live' && speed.value === '1');
        return true;";
    run(&mut browser, back).await?;

    // A thumbnail of where the pointer is.
    let thumbnail = "
        const canvas = document.querySelector('[data-timeline] canvas');
        const box = canvas.getBoundingClientRect();
        const image = document.querySelector('[data-timeline] img');
        const [least, most] = ['min', 'max'].map((end) => Number(canvas.getAttribute(`aria-value${end}`)));
        const clientX = box.left + (box.width * (Date.now() / 1000 - 3 - least)) / (most - least);
        const at = { clientX, clientY: box.top + 10, pointerId: 1, pointerType: 'mouse', bubbles: true };
        await until('a thumbnail', () => {
            canvas.dispatchEvent(new PointerEvent('pointermove', at));
            return image.naturalWidth === 160 && !image.hidden && image.closest('figure').innerText !== '';
        });
        canvas.dispatchEvent(new PointerEvent('pointerleave', at));
        return image.closest('figure').hidden;";
    assert_eq!(run(&mut browser, thumbnail).await?, true);

    // A held finger looks, a tap goes there, two fingers show a longer time.
    let touch = "
        const canvas = document.querySelector('[data-timeline] canvas');
        const figure = document.querySelector('[data-timeline] figure');
        const box = canvas.getBoundingClientRect();
        const range = () => ['min', 'max'].map((end) => Number(canvas.getAttribute(`aria-value${end}`)));
        const touch = (type, place, pointerId = 7) => canvas.dispatchEvent(new PointerEvent(type, {
            clientX: box.left + box.width * place, clientY: box.top + 10, pointerId, pointerType: 'touch', button: 0, bubbles: true }));
        const [least, most] = range();
        const place = (Date.now() / 1000 - 3 - least) / (most - least);
        touch('pointerdown', place);
        await until('a look', () => !figure.hidden);
        touch('pointerup', place);
        if (playing() !== 'live' || !figure.hidden) return 'failed: a long touch goes somewhere';
        touch('pointerdown', place);
        touch('pointerup', place);
        await until('the past', () => playing() === 'past' && shownAt() !== null);
        [0.2, 0.8].forEach((at, finger) => touch('pointerdown', at, finger));
        [0.4, 0.6].forEach((at, finger) => touch('pointermove', at, finger));
        [0.4, 0.6].forEach((at, finger) => touch('pointerup', at, finger));
        await until('a longer time', () => range()[1] - range()[0] > 2.5 * (most - least));
        return playing();";
    assert_eq!(run(&mut browser, touch).await?, "past");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_picture_outlives_a_restart_of_the_server() -> Result<()> {
    let mut server = serve("record = \"always\"");
    recorded(&server, "-4s");
    let (_alone, mut browser) = open(&server.url("/cameras/door/"), "live").await?;
    let pause = "
        await until('a timeline', () => !document.querySelector('[data-timeline]').hidden);
        press('back');
        await until('the past', () => playing() === 'past' && shownAt() !== null);
        press('toggle');
        await until('a pause', () => playing() === 'paused');
        return [shownAt(), camera.getAttribute('session')];";
    let paused = run(&mut browser, pause).await?;

    server.signal(Signal::TERM);
    server.wait();
    browser
        .until("document.querySelector('framecast-camera').dataset.mood === 'stale'")
        .await?;
    let path = server.path("recordings");
    let address = server.address.to_string();
    let again = framecast()
        .listen(&address)
        .config(&configuration(&path, "record = \"always\""))
        .spawn();
    let (time, session) = (&paused[0], &paused[1]);
    let shows = format!(
        "await until('another session', () => (camera.getAttribute('session') ?? {session}) !== {session});
         await until('the same time', () => playing() === 'paused' && shownAt() === {time} && camera.dataset.mood === 'past');
         await until('its picture', async () => print() === await recordedAt({time}));
         return true;"
    );
    run(&mut browser, &shows).await?;

    // A session that somebody ends leaves no dead page.
    let ends = "
        await fetch(`../../api/v1/cameras/door/playback/${camera.getAttribute('session')}`, { method: 'DELETE' });
        await until('live', () => playing() === 'live' && camera.dataset.mood === 'live');
        return document.querySelector('[data-line]').textContent;";
    let line = run(&mut browser, ends).await?;
    let line = line.as_str().unwrap();
    assert!(line.starts_with("Playback ended: "), "{line}");
    drop(again);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_by_hand_is_started_and_stopped_on_the_page() -> Result<()> {
    let server = serve("record = \"manual\"");
    let (_alone, mut browser) = open(&server.url("/cameras/door/"), "live").await?;
    let record = "
        const card = document.querySelector('[data-recording]');
        const state = card.querySelector('[data-recording-state]');
        await until('the card', () => !card.hidden && state.textContent === 'Not recorded');
        card.querySelector('[data-start]').click();
        await until('a recording', () => state.textContent.startsWith('Recording since') && card.querySelector('[data-start]').hidden);
        const running = (await (await fetch('../../api/v1/cameras/door/recording')).json()).state;
        card.querySelector('[data-stop]').click();
        await until('its end', () => state.textContent === 'Not recorded');
        return running;";
    assert_eq!(run(&mut browser, record).await?, "recording");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_is_not_recorded_has_no_timeline() -> Result<()> {
    let server = serve("");
    let (_alone, mut browser) = open(&server.url("/cameras/door/"), "live").await?;
    let look = "
        await new Promise((done) => setTimeout(done, 500));
        const seen = (selector) => document.querySelector(selector).checkVisibility();
        return ['[data-timeline]', '[data-recording]', '[data-do=back]', '[data-do=toggle]', '[data-do=live]'].map(seen);";
    let seen = run(&mut browser, look).await?;
    assert_eq!(seen, serde_json::json!([false, false, false, true, true]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_player_works_where_no_websocket_gets_through() -> Result<()> {
    let server = serve("record = \"always\"");
    recorded(&server, "-11s");
    let proxy = Proxy::start(server.address.port()).await?;
    proxy.refuse_websockets();
    let url = format!("{}cameras/door/", proxy.url);
    let (_alone, mut browser) = open(&url, "unknown").await?;
    let back = "
        const image = camera.shadowRoot.querySelector('img');
        const session = () => new URL(image.src).searchParams.get('session');
        press('back');
        await until('the past', () => playing() === 'past' && shownAt() !== null && session() === camera.getAttribute('session'));
        const behind = Date.now() - shownAt();
        const time = shownAt();
        await until('later pictures', () => shownAt() > time && image.naturalWidth === 160);
        press('toggle');
        await until('a pause', () => playing() === 'paused');
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [160, 120];
        const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true });
        await until('the picture of that time', async () => {
            context.drawImage(image, 0, 0);
            const { data } = context.getImageData(0, 0, 160, 120);
            return data.reduce((hash, value) => (hash * 31 + value) | 0, 0) === await recordedAt(shownAt());
        });
        press('live');
        await until('live', () => playing() === 'live' && session() === null);
        return behind;";
    let behind = run(&mut browser, back).await?;
    let behind = behind.as_f64().unwrap();
    assert!((8_000.0..14_000.0).contains(&behind), "{behind} ms");
    Ok(())
}

/// Waits for a file that a browser saves, and returns its path: it has its name when it is whole.
fn saved(folder: &std::path::Path, ending: &str) -> std::path::PathBuf {
    eventually("a file", || {
        let files = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
        let mut files = files.map(|file| file.unwrap().path());
        let whole = |path: &std::path::PathBuf| path.extension().is_some_and(|it| it == ending);
        files
            .find(whole)
            .ok_or_else(|| format!("no .{ending} in {}", folder.display()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_is_taken_away_from_the_page_and_the_bar_fills() -> Result<()> {
    let server = serve("record = \"always\"");
    recorded(&server, "-6s");
    let (_alone, mut browser) = open(&server.url("/cameras/door/"), "live").await?;
    let folder = server.path("downloads");
    browser.save_to(&folder).await?;
    let export = |choose: &str| {
        format!(
            "const card = document.querySelector('[data-export]');
             await until('the card', () => !card.hidden);
             const form = card.querySelector('form');
             const [told, fault, bar] = ['[data-told]', '[data-fault]', 'progress'].map((part) => card.querySelector(part));
             {choose}
             form.elements.form.dispatchEvent(new Event('change'));
             form.requestSubmit();
             await until('its end', () => told.textContent.startsWith('Downloaded: ') || fault.textContent !== '');
             return [told.textContent, fault.textContent, bar.value, card.querySelector('[data-lapse]').hidden];"
        )
    };

    // The last ten minutes are proposed, of which a few seconds were recorded.
    let said = run(&mut browser, &export("")).await?;
    assert_eq!(
        (&said[1], said[2].as_f64()),
        (&"".into(), Some(1.0)),
        "{said}"
    );
    let video = saved(&folder, "mp4");
    let count = [
        "-v",
        "error",
        "-count_packets",
        "-show_entries",
        "stream=nb_read_packets",
        "-of",
        "csv=p=0",
    ];
    let probed = server::run(
        "ffprobe",
        &[&count[..], &[video.to_str().unwrap()]].concat(),
    );
    let pictures = String::from_utf8_lossy(&probed.stdout)
        .trim()
        .parse::<u64>()?;
    assert!(pictures >= 20, "{pictures}");
    std::fs::remove_file(&video)?;

    // From the picture that is shown on, as an archive.
    let zip = "press('back');
         await until('the past', () => playing() === 'past' && shownAt() !== null);
         card.querySelector('[data-here=from]').click();
         const from = new Date(form.elements.from.value).getTime();
         if (Math.abs(from - shownAt()) > 2500) throw new Error(`from ${from}, shown ${shownAt()}`);
         told.textContent = '';
         form.elements.form.value = 'zip';";
    let said = run(&mut browser, &export(zip)).await?;
    assert_eq!((&said[1], &said[3]), (&"".into(), &true.into()), "{said}");
    let listed = server::run("unzip", &["-tqq", saved(&folder, "zip").to_str().unwrap()]);
    assert!(listed.status.success(), "{listed:?}");

    // A time-lapse has its own fields; what was not recorded is said in the server's words.
    let lapse = "told.textContent = '';
         form.elements.form.value = 'lapse';
         form.elements.every.value = '1';
         form.elements.from.value = '2001-01-01T00:00:00';
         form.elements.to.value = '2001-01-01T00:01:00';";
    let said = run(&mut browser, &export(lapse)).await?;
    assert_eq!(said[1], "nothing of `door` was recorded in that time");
    assert_eq!(said[3], false);
    Ok(())
}
