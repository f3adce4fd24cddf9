use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// Real pictures of every kind, small enough to be hit by a mutation.
fn real() -> impl Strategy<Value = Vec<u8>> {
    let plain = jpeg(24, 20);
    let bare = without(&plain, marker::DHT);
    let exif = [exif::PREFIX, &exif::tiff(3), &jpeg(8, 8)].concat();
    prop_oneof![
        Just(with(&bare, marker::APP1, &exif)),
        Just(with(&plain, marker::COM, b"\xFF\xD8\xFF\xD9")),
        Just(plain),
        Just(bare),
        Just(special(24, 20, |it| it.set_progressive(true))),
        Just(special(24, 20, |it| it.set_restart_interval(1))),
        Just(special(24, 20, |it| it.set_optimized_huffman_tables(true))),
    ]
}

/// A real picture with some bytes changed, some cut out and something around it.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (
        any::<Index>(),
        prop_oneof![any::<u8>(), Just(0xFF), 0xC0..=0xFE_u8],
    );
    let cut = proptest::option::of((any::<Index>(), 0_usize..40));
    let around = prop::collection::vec(any::<u8>(), 0..20);
    (
        real(),
        prop::collection::vec(change, 0..6),
        cut,
        around.clone(),
        around,
    )
        .prop_map(|(mut data, changes, cut, before, after)| {
            for (at, value) in changes {
                let at = at.index(data.len());
                data[at] = value;
            }
            if let Some((at, length)) = cut {
                let at = at.index(data.len());
                let end = (at + length).min(data.len());
                data.drain(at..end);
            }
            [before, data, after].concat()
        })
}

/// All that is promised of what is admitted, whatever came in.
fn check(data: Vec<u8>) -> Result<(), TestCaseError> {
    let data = Bytes::from(data);
    for lenience in [Lenience::Strict, Lenience::Pass] {
        let Ok(admitted) = admit(data.clone(), lenience) else {
            continue;
        };
        prop_assert_eq!(markers(&admitted.data), [0, admitted.data.len() - 2]);
        prop_assert!(admitted.data.len() <= data.len() + 420 + 36 + 2);
        prop_assert!(admitted.width > 0 && admitted.height > 0);
        let again = admit(admitted.data.clone(), lenience).unwrap();
        prop_assert_eq!(&again.data, &admitted.data);
        prop_assert!(!again.mended.any(), "{:?}", again.mended);
        if !admitted.mended.any() {
            prop_assert_eq!(admitted.data.as_ptr(), data.as_ptr());
        }
        if u32::from(admitted.width) * u32::from(admitted.height) < 100_000
            && let Ok(image) = decode(&admitted.data)
        {
            prop_assert_eq!(
                (image.width, image.height),
                (admitted.width.into(), admitted.height.into())
            );
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn real_pictures_are_admitted_and_decoded(data in real()) {
        let admitted = admit(data.into(), Lenience::Strict).unwrap();
        prop_assert_eq!((admitted.width, admitted.height), (24, 20));
        prop_assert!(decode(&admitted.data).is_ok());
    }

    #[test]
    fn what_is_admitted_has_one_start_and_one_end(data in mutated()) {
        check(data)?;
    }

    #[test]
    fn any_bytes_are_admitted_or_turned_away(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let started = [b"\xFF\xD8\xFF", &data[..]].concat();
        check(data)?;
        check(started)?;
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&data);
    }
}
