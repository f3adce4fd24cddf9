//! A table of any length, streamed from SQLite row by row: the same idea as a video stream, with rows for frames.
//!
//! ```sh
//! cargo run --release -p framecast-examples --bin table -- prices.sqlite
//! ```
//!
//! A million stock prices as `/prices.html`, which fills up while it loads, `/prices.csv` and `/prices.txt`. The memory it
//! takes does not depend on how long the table is: the rows are read on a blocking thread that waits whenever the
//! client's connection is full, and that ends its query when the client leaves. `/progress` tells how far the queries are.
#![allow(
    clippy::print_stdout,
    reason = "it tells its user where to look, and its test where to connect"
)]

use std::{
    convert::Infallible,
    env,
    error::Error,
    fmt::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};

/// Rows go out in pieces of about this many bytes: one row is too little to be worth a packet.
const PIECE: usize = 8 * 1024;
/// Pieces that may wait between the query and the connection.
const WAITING: usize = 4;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let database = PathBuf::from(arguments.next().unwrap_or("prices.sqlite".to_owned()));
    let address = arguments.next().unwrap_or("127.0.0.1:5000".to_owned());
    let rows = arguments
        .next()
        .map_or(Ok(1_000_000), |text| text.parse())?;
    if !database.exists() {
        fill(&database, rows)?;
    }

    let table = Table {
        database,
        progress: Arc::default(),
    };
    let app = Router::new()
        .route("/", get(async |State(table)| stream(table, Form::Html)))
        .route(
            "/prices.html",
            get(async |State(table)| stream(table, Form::Html)),
        )
        .route(
            "/prices.csv",
            get(async |State(table)| stream(table, Form::Csv)),
        )
        .route(
            "/prices.txt",
            get(async |State(table)| stream(table, Form::Text)),
        )
        .route("/progress", get(progress))
        .with_state(table);
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("open http://{}/prices.html", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

#[derive(Clone)]
struct Table {
    database: PathBuf,
    progress: Arc<Progress>,
}

/// What all queries did so far.
#[derive(Default)]
struct Progress {
    running: AtomicU64,
    rows: AtomicU64,
}

async fn progress(State(table): State<Table>) -> String {
    let Progress { running, rows } = &*table.progress;
    format!(
        "{} queries running, {} rows read\n",
        running.load(Relaxed),
        rows.load(Relaxed)
    )
}

/// Starts the query and answers with a body that grows as its rows come.
fn stream(table: Table, form: Form) -> Response {
    let (pieces, body) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        table.progress.running.fetch_add(1, Relaxed);
        if let Err(error) = query(&table, form, &pieces) {
            // The head of the answer is out, so all that is left is to say so in the body.
            let _gone = pieces.blocking_send(format!("\n{error}\n").into());
        }
        table.progress.running.fetch_sub(1, Relaxed);
    });
    let body = ReceiverStream::new(body).map(Ok::<Bytes, Infallible>);
    (
        [
            (header::CONTENT_TYPE, form.media_type()),
            // A proxy that collects the answer first would undo all this.
            (HeaderName::from_static("x-accel-buffering"), "no"),
        ],
        Body::from_stream(body),
    )
        .into_response()
}

/// Reads the table from the first row to the last, or until nobody wants it any more.
fn query(table: &Table, form: Form, pieces: &mpsc::Sender<Bytes>) -> rusqlite::Result<()> {
    let connection =
        Connection::open_with_flags(&table.database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement =
        connection.prepare("SELECT day, symbol, price FROM prices ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    let mut piece = form.head().to_owned();
    while let Some(row) = rows.next()? {
        let symbol: String = row.get(1)?;
        form.row(&mut piece, row.get(0)?, &symbol, row.get(2)?);
        table.progress.rows.fetch_add(1, Relaxed);
        if piece.len() >= PIECE {
            // Waits while the connection is full. An error means that the client has left.
            if pieces
                .blocking_send(std::mem::take(&mut piece).into())
                .is_err()
            {
                return Ok(());
            }
        }
    }
    piece += form.foot();
    let _gone = pieces.blocking_send(piece.into());
    Ok(())
}

/// What the rows look like.
#[derive(Clone, Copy)]
enum Form {
    Html,
    Csv,
    Text,
}

impl Form {
    fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::Html => {
                "<!doctype html><title>Prices</title>\n<table><tr><th>Day<th>Symbol<th>Price\n"
            }
            Self::Csv => "day,symbol,price\r\n",
            Self::Text => "       day symbol      price\n",
        }
    }

    fn row(self, piece: &mut String, day: i64, symbol: &str, price: f64) {
        // Writing to a string can't fail.
        let _written = match self {
            Self::Html => writeln!(piece, "<tr><td>{day}<td>{}<td>{price:.2}", Escaped(symbol)),
            Self::Csv => write!(
                piece,
                "{day},\"{}\",{price:.2}\r\n",
                symbol.replace('"', "\"\"")
            ),
            Self::Text => writeln!(piece, "{day:>10} {symbol:<6} {price:>10.2}"),
        };
    }

    fn foot(self) -> &'static str {
        match self {
            Self::Html => "</table>\n",
            Self::Csv | Self::Text => "",
        }
    }
}

/// A text that HTML takes for nothing but text.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '<' => f.write_str("&lt;"),
            '&' => f.write_str("&amp;"),
            _ => f.write_char(c),
        })
    }
}

/// Makes up a table.
fn fill(database: &Path, rows: u64) -> rusqlite::Result<()> {
    let connection = Connection::open(database)?;
    connection.execute_batch(&format!(
        "CREATE TABLE prices (day INTEGER, symbol TEXT, price REAL);
         INSERT INTO prices
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {rows})
         SELECT i / 4, substr('ABLECAMRDISHFROG', i % 4 * 4 + 1, 4), 100 + abs(random() % 10000) / 100.0 FROM n;"
    ))
}
