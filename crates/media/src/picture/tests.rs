use super::*;
use crate::jpeg::encode;

#[test]
#[ignore = "writes pictures to look at"]
fn pictures_to_look_at() {
    for (width, height) in [(64, 48), (160, 120), (320, 240), (640, 480), (1280, 720)] {
        let mut card = TestCard::new(width, height, "Workshop camera");
        card.draw("12:34:55.749", 1233, 0.1);
        let data = encode(&card.draw("12:34:56.789", 1234, 0.37).pixels(), 92).unwrap();
        std::fs::write(format!("/tmp/media-pics/card-{width}.jpg"), data).unwrap();
        let lost = no_signal(
            width,
            height,
            "Workshop camera",
            "The device /dev/video0 was unplugged: No such device (os error 19). Trying again in 4 seconds.",
            "since 12:34:56",
        );
        std::fs::write(
            format!("/tmp/media-pics/lost-{width}.jpg"),
            encode(&lost.pixels(), 92).unwrap(),
        )
        .unwrap();
    }
}
