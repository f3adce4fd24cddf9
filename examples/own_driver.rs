//! A camera driver of one's own: Conway's game of life, as a camera.
//!
//! ```sh
//! cargo run -p framecast-examples --bin own_driver
//! ```
//!
//! The driver is [`Life`] and its `frames`; the rest is the game. The frames are raw grey pixels: the hub encodes them,
//! opens the camera for the first viewer, shares it with all others and closes it after the last.
#![allow(
    clippy::print_stdout,
    reason = "it tells its user where to look, and its test where to connect"
)]

use std::{env, error::Error, hash::BuildHasher, hash::RandomState, iter, thread, time::Duration};

use framecast::{
    Cameras,
    camera::{Camera, ErrorKind, Frame, Frames, Layout, Size},
    drivers::Scheme,
};

/// Pixels along a cell's side.
const CELL: usize = 8;

/// What is asked for. It holds nothing open: `frames` may be called again after its frames were dropped.
struct Life {
    size: Size,
    pause: Duration,
}

impl Camera for Life {
    fn frames(&self) -> Frames {
        let (size, pause) = (self.size, self.pause);
        // Runs on a thread of its own; a driver with a device opens it here, and closes it when the iterator is dropped.
        Frames::blocking(move |_stop| {
            let mut world = World::random(size);
            Ok(iter::from_fn(move || {
                thread::sleep(pause);
                world.step();
                Some(Ok(world.picture()))
            }))
        })
    }
}

/// What makes a source that starts with `life` a camera.
fn life() -> Scheme {
    Scheme::new("life", "Conway's game of life", |request| {
        let size = request.size.unwrap_or(Size::new(640, 480));
        if (size.width as usize) < CELL || (size.height as usize) < CELL {
            let message = format!("{size} has no room for a cell");
            return Err(framecast::camera::Error::new(ErrorKind::Invalid, message));
        }
        // A wait of more than a second would have to ask `Stop`. The hub thins out what is more than was asked for.
        let fps = request.fps.unwrap_or(10.0).max(1.0);
        let pause = Duration::from_secs_f64(1.0 / fps);
        Ok(Life { size, pause })
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cameras = Cameras::with_schemes([life()]);
    cameras.add("life", "life")?;
    cameras.add("small", "life#size=320x240,fps=25")?;

    let address = env::args().nth(1).unwrap_or("127.0.0.1:5000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("watch at http://{}/", listener.local_addr()?);
    axum::serve(listener, cameras.router()).await?;
    Ok(())
}

/// The board. Its edges meet those on the other side.
struct World {
    columns: usize,
    rows: usize,
    alive: Vec<bool>,
}

impl World {
    fn random(size: Size) -> Self {
        let columns = size.width as usize / CELL;
        let rows = size.height as usize / CELL;
        let chance = RandomState::new();
        let alive = (0..columns * rows).map(|cell| chance.hash_one(cell).is_multiple_of(4));
        Self {
            columns,
            rows,
            alive: alive.collect(),
        }
    }

    fn step(&mut self) {
        let next = (0..self.alive.len()).map(|cell| match self.neighbours(cell) {
            2 => self.alive[cell],
            count => count == 3,
        });
        self.alive = next.collect();
    }

    fn neighbours(&self, cell: usize) -> usize {
        let (row, column) = (cell / self.columns, cell % self.columns);
        let around = |at: usize, most: usize| [at + most - 1, at, at + 1].map(|at| at % most);
        let rows = around(row, self.rows);
        let near = rows
            .into_iter()
            .flat_map(|row| around(column, self.columns).map(|column| row * self.columns + column));
        near.filter(|near| *near != cell && self.alive[*near])
            .count()
    }

    fn picture(&self) -> Frame {
        let (width, height) = (self.columns * CELL, self.rows * CELL);
        let mut pixels = vec![16; width * height];
        for (at, pixel) in pixels.iter_mut().enumerate() {
            let (row, column) = (at / width / CELL, at % width / CELL);
            if self.alive[row * self.columns + column] {
                *pixel = 235;
            }
        }
        let size = Size::new(width as u32, height as u32);
        Frame::raw(Layout::Grey, size, size.width, pixels)
    }
}

#[cfg(test)]
mod tests {
    use framecast::camera::conformance::{self, Patience};

    use super::*;

    #[tokio::test]
    async fn the_driver_keeps_the_contract() {
        let life = Life {
            size: Size::new(64, 64),
            pause: Duration::from_millis(10),
        };
        conformance::check(&life, Patience::default())
            .await
            .unwrap();
    }
}
