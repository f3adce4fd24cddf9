//! Decoding yields the size it states or an error, and what was decoded can be scaled and encoded.
#![no_main]

use bytes::Bytes;
use framecast_media::jpeg::{Lenience, Resize, admit, decode, transcode};
use libfuzzer_sys::fuzz_target;

/// Enough for every path; larger pictures only make the fuzzer slow.
const PIXELS: u32 = 256 * 256;

fuzz_target!(|data: &[u8]| {
    let Ok(admitted) = admit(Bytes::copy_from_slice(data), Lenience::Pass) else {
        return;
    };
    let size = (u32::from(admitted.width), u32::from(admitted.height));
    if size.0 * size.1 > PIXELS {
        return;
    }
    if let Ok(image) = decode(&admitted.data) {
        assert_eq!((image.width, image.height), size);
        assert_eq!(image.rgb.len() as u32, image.width * image.height * 3);
        let resize = Resize {
            width: Some(20),
            height: Some(20),
        };
        let smaller =
            transcode(&admitted.data, resize, 50).expect("what can be decoded can be scaled");
        let again = admit(smaller.data.into(), Lenience::Strict).expect("what is encoded is sound");
        assert!(!again.mended.any());
        assert_eq!(
            (u32::from(again.width), u32::from(again.height)),
            (smaller.width, smaller.height)
        );
    }
});
