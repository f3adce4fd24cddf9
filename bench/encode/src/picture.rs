//! A picture with about as much detail as a camera's: waves of many lengths, and a little noise.

use framecast_media::jpeg::Layout;

/// The picture in a layout, lines without a gap. Sides are even.
pub(crate) fn raw(layout: Layout, width: usize, height: usize) -> Vec<u8> {
    let all = |step: (usize, usize)| {
        let rows = (0..height).step_by(step.1);
        rows.flat_map(move |y| (0..width).step_by(step.0).map(move |x| (x, y)))
    };
    let blue = |(x, y)| 100 + value(x + 999, y + 77) / 4;
    let red = |(x, y)| 90 + value(x + 1999, y + 770) / 4;
    let luma = |(x, y)| value(x, y);
    match layout {
        Layout::Yuyv => all((2, 1))
            .flat_map(|(x, y)| [luma((x, y)), blue((x, y)), luma((x + 1, y)), red((x, y))])
            .collect(),
        Layout::Nv12 => {
            let chroma = all((2, 2)).flat_map(|at| [blue(at), red(at)]);
            all((1, 1)).map(luma).chain(chroma).collect()
        }
        Layout::I420 => {
            let chroma = all((2, 2)).map(blue).chain(all((2, 2)).map(red));
            all((1, 1)).map(luma).chain(chroma).collect()
        }
        _ => all((1, 1))
            .flat_map(|at| [luma(at), luma(at) / 2 + blue(at) / 2, blue(at)])
            .collect(),
    }
}

fn value(x: usize, y: usize) -> u8 {
    let (mut sum, mut strength, mut rate) = (128.0, 63.0, 0.008);
    for octave in 0..6 {
        let shift = f64::from(octave);
        let wave = (x as f64 * rate * 1.7 + shift * 3.1).sin() * (y as f64 * rate + shift).cos();
        sum += strength * wave;
        strength *= 0.5;
        rate *= 2.3;
    }
    let mixed = (x.wrapping_mul(374_761_393) ^ y.wrapping_mul(668_265_263)) as u32;
    let noise = (mixed ^ (mixed >> 13)).wrapping_mul(1_274_126_177) >> 29;
    (sum + f64::from(noise) - 4.0).clamp(0.0, 255.0) as u8
}
