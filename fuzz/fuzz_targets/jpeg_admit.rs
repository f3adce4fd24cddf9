//! What is admitted has one start and one end, and is admitted again without a change.
#![no_main]

use bytes::Bytes;
use framecast_media::jpeg::{Lenience, admit};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let data = Bytes::copy_from_slice(data);
    let strict = admit(data.clone(), Lenience::Strict);
    let pass = admit(data.clone(), Lenience::Pass);
    if let Ok(strict) = &strict {
        assert_eq!(Ok(strict), pass.as_ref(), "leniency changes what is sound");
    }
    for (admitted, lenience) in [(strict, Lenience::Strict), (pass, Lenience::Pass)] {
        let Ok(admitted) = admitted else { continue };
        let jpeg = &admitted.data;
        let markers: Vec<usize> = (1..jpeg.len())
            .filter(|&at| jpeg[at - 1] == 0xFF && matches!(jpeg[at], 0xD8 | 0xD9))
            .collect();
        assert_eq!(markers, [1, jpeg.len() - 1]);
        assert!(
            jpeg.len() <= data.len() + 512,
            "more was added than tables, an Exif and an end"
        );
        let again =
            admit(jpeg.clone(), lenience).expect("what was admitted once is admitted again");
        assert_eq!(again.data.as_ptr(), jpeg.as_ptr());
        assert!(!again.mended.any());
    }
});
