//! OpenCV's matrix as a frame.

use bytes::Bytes;
use framecast_camera::{Captured, Error, ErrorKind, Frame, Layout, Result, Size};
use opencv::{
    core::{CV_8UC1, CV_8UC3, Mat},
    prelude::*,
};

/// A matrix whose bytes are shared with whoever encodes them, and freed with the last of those.
struct Pixels(Mat);

impl AsRef<[u8]> for Pixels {
    fn as_ref(&self) -> &[u8] {
        // Only of a matrix that is not continuous are there no bytes; `frame` lets none pass.
        self.0.data_bytes().unwrap_or_default()
    }
}

/// The matrix as a frame, rows from top to bottom, without a copy: OpenCV makes a new one for each picture.
///
/// # Errors
/// [`ErrorKind::Broken`] for what is no picture in BGR or grey with 8 bits.
pub(crate) fn frame(picture: Mat, captured: Captured) -> Result<Frame> {
    let broken = |what: String| Error::new(ErrorKind::Broken, what);
    let (layout, samples) = match picture.typ() {
        CV_8UC3 => (Layout::Bgr24, 3),
        CV_8UC1 => (Layout::Grey, 1),
        other => {
            let what = "neither BGR nor grey with 8 bits";
            return Err(broken(format!(
                "OpenCV gives pictures that are {what} (type {other})"
            )));
        }
    };
    let side = |pixels: i32| u32::try_from(pixels).ok().filter(|&pixels| pixels > 0);
    let (Some(width), Some(height)) = (side(picture.cols()), side(picture.rows())) else {
        return Err(broken("OpenCV gives an empty picture".to_owned()));
    };
    let whole = if picture.is_continuous() {
        picture
    } else {
        let copy = picture.try_clone();
        copy.map_err(|error| broken(format!("OpenCV can't copy a picture (code {})", error.code)))?
    };
    let pixels = Bytes::from_owner(Pixels(whole));
    Ok(Frame::raw(layout, Size::new(width, height), width * samples, pixels).captured_at(captured))
}

#[cfg(test)]
mod tests {
    use framecast_camera::{Format, Range};
    use opencv::core::{CV_16UC1, Rect, Scalar};

    use super::*;

    fn mat(kind: i32, colour: [f64; 3]) -> Mat {
        let [b, g, r] = colour;
        Mat::new_rows_cols_with_default(4, 6, kind, Scalar::new(b, g, r, 0.0)).unwrap()
    }

    #[test]
    fn a_colour_picture_is_bgr_and_keeps_its_place_in_memory() {
        let mat = mat(CV_8UC3, [1.0, 2.0, 3.0]);
        let place = mat.data_bytes().unwrap().as_ptr();
        let frame = frame(mat, Captured::now()).unwrap();
        let expected = Format::Raw {
            layout: Layout::Bgr24,
            stride: 18,
            range: Range::Full,
        };
        assert_eq!(frame.format, expected);
        assert_eq!(frame.size, Some(Size::new(6, 4)));
        assert_eq!(&*frame.data, [1, 2, 3].repeat(24));
        assert_eq!(frame.data.as_ptr(), place);
    }

    #[test]
    fn a_part_of_a_larger_picture_has_only_its_own_rows() {
        let mut large = mat(CV_8UC1, [0.0; 3]);
        *large.at_2d_mut::<u8>(1, 2).unwrap() = 9;
        let part = Mat::roi(&large, Rect::new(2, 1, 2, 2)).unwrap();
        let frame = frame(part.clone_pointee(), Captured::now()).unwrap();
        assert_eq!(frame.size, Some(Size::new(2, 2)));
        assert_eq!(&*frame.data, [9, 0, 0, 0]);
    }

    #[test]
    fn what_is_no_picture_is_told_by_an_error() {
        let depth = frame(mat(CV_16UC1, [0.0; 3]), Captured::now()).unwrap_err();
        assert_eq!(depth.kind(), ErrorKind::Broken);
        let empty = frame(Mat::default(), Captured::now()).unwrap_err();
        assert_eq!(empty.to_string(), "OpenCV gives an empty picture");
    }
}
