//! What is decided, and what never is.

use proptest::prelude::*;

use super::*;

const ACTIONS: [Action; 9] = [
    Action::Browse,
    Action::Measure,
    Action::Administer,
    Action::See,
    Action::Stream,
    Action::Snapshot,
    Action::Control,
    Action::Push,
    Action::Share,
];

fn user(grant: Grant) -> Identity {
    Identity {
        who: Who::User {
            name: "anna".to_owned(),
            stamp: Digest::of(b""),
            session: None,
        },
        grant,
        from: None,
    }
}

fn on(name: &str) -> Target<'_> {
    Target::Camera {
        name,
        networks: &[],
    }
}

/// A target that the action can be done to.
fn target(action: Action) -> Target<'static> {
    if action.is_of_camera() {
        on("door")
    } else {
        Target::Server
    }
}

fn action() -> impl Strategy<Value = Action> {
    prop::sample::select(&ACTIONS[..])
}

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(&[Role::View, Role::Control, Role::Admin][..])
}

fn grant() -> impl Strategy<Value = Grant> {
    let cameras = prop::collection::btree_map("(door|yard|hall)", role(), 0..3);
    (prop::option::of(role()), cameras).prop_map(|(everywhere, cameras)| Grant {
        everywhere,
        cameras,
    })
}

#[test]
fn a_viewer_of_one_camera_does_not_learn_of_the_others() {
    let viewer = user(Grant::only(Role::View, ["door".to_owned()]));
    let decided = |action, target| decide(&viewer, action, target);
    assert_eq!(decided(Action::Stream, on("door")), Decision::Allow);
    assert_eq!(decided(Action::Browse, Target::Server), Decision::Allow);
    assert_eq!(
        decided(Action::Stream, on("yard")),
        Decision::Deny(Why::Hidden)
    );
    assert_eq!(
        decided(Action::Control, on("door")),
        Decision::Deny(Why::Forbidden)
    );
    // The figures are those of all cameras.
    assert_eq!(
        decided(Action::Measure, Target::Server),
        Decision::Deny(Why::Forbidden)
    );
}

#[test]
fn a_camera_of_a_network_is_hidden_elsewhere_even_from_admins() {
    let networks: Vec<IpNet> = vec!["192.168.1.0/24".parse().unwrap()];
    let camera = Target::Camera {
        name: "door",
        networks: &networks,
    };
    for (from, decision) in [
        (Some("192.168.1.7"), Decision::Allow),
        (Some("::ffff:192.168.1.7"), Decision::Allow),
        (Some("192.168.2.7"), Decision::Deny(Why::Hidden)),
        (None, Decision::Deny(Why::Hidden)),
    ] {
        let mut admin = user(Grant::everywhere(Role::Admin));
        admin.from = from.map(|from| from.parse().unwrap());
        assert_eq!(decide(&admin, Action::Stream, camera), decision, "{from:?}");
    }
}

proptest! {
    #[test]
    fn nobody_is_only_ever_asked_to_log_in(action in action()) {
        let nobody = Identity { who: Who::Nobody, grant: Grant::default(), from: None };
        prop_assert_eq!(decide(&nobody, action, target(action)), Decision::Deny(Why::LogIn));
    }

    #[test]
    fn a_higher_role_may_do_whatever_a_lower_one_may(grant in grant(), more in role(), action in action()) {
        let mut higher = grant.clone();
        higher.everywhere = higher.everywhere.max(Some(more));
        if decide(&user(grant), action, target(action)) == Decision::Allow {
            prop_assert_eq!(decide(&user(higher), action, target(action)), Decision::Allow);
        }
    }

    #[test]
    fn what_is_granted_on_one_camera_says_nothing_of_another(grant in grant(), more in role(), action in action()) {
        prop_assume!(action.is_of_camera());
        let mut other = grant.clone();
        other.cameras.insert("elsewhere".to_owned(), more);
        prop_assert_eq!(
            decide(&user(grant), action, on("door")),
            decide(&user(other), action, on("door"))
        );
    }

    #[test]
    fn only_an_admin_of_everything_administers(grant in grant()) {
        let may = decide(&user(grant.clone()), Action::Administer, Target::Server) == Decision::Allow;
        prop_assert_eq!(may, grant.everywhere == Some(Role::Admin));
    }

    #[test]
    fn a_signed_address_is_good_for_one_thing(signed in action(), asked in action(), camera in "(door|yard)") {
        let link = Identity {
            who: Who::Link { camera: "door".to_owned(), action: signed, until: SystemTime::UNIX_EPOCH },
            grant: Grant::default(),
            from: None,
        };
        let target = if asked.is_of_camera() { on(&camera) } else { Target::Server };
        let may = decide(&link, asked, target) == Decision::Allow;
        prop_assert_eq!(may, signed == asked && asked.is_of_camera() && camera == "door");
    }
}
