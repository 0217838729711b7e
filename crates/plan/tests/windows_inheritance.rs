//! What new objects and existing children have from their parents.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

mod windows_vectors;

use garth_plan::windows::inherit::{Child, new_object, repropagated};
use garth_plan::windows::{AccessMask, Acl, ObjectKind, SecurityDescriptor, Token, check};
use windows_vectors::{descriptor, filled, request, token};

/// Parent, what the creator gave, kind of child, and the lists that the child has.
type Case = (&'static str, &'static str, Child, &'static str);

fn given(text: &str) -> Option<SecurityDescriptor> {
    (!text.is_empty()).then(|| filled(text).parse().unwrap())
}

/// The lists of a descriptor, with the user's SID as `%U`.
fn lists(object: &SecurityDescriptor) -> String {
    let bare = SecurityDescriptor { owner: None, group: None, ..object.clone() };
    bare.to_string().replace(&filled("%U"), "%U").replace(&filled("%P"), "%P")
}

fn hold(creator: &Token, cases: &[Case]) {
    let mut wrong = Vec::new();
    for (parent, explicit, child, expected) in cases {
        let made = new_object(Some(&descriptor(parent)), given(explicit).as_ref(), creator, *child);
        if lists(&made) != *expected {
            wrong.push(format!("{parent} + `{explicit}` for {child:?}\n  {}\n  {expected}", lists(&made)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn creator() -> Token {
    token("").0
}

const FILE: Child = Child::FILE;
const DIR: Child = Child::DIRECTORY;

/// "ACE inheritance rules": the table of flags, for files and for directories.
#[test]
fn flags_of_inherited_entries() {
    hold(
        &creator(),
        &[
            ("D:(A;;FA;;;BU)", "", DIR, ""),
            ("D:(A;OI;FR;;;BU)", "", FILE, "D:AI(A;ID;FR;;;BU)"),
            ("D:(A;OI;FR;;;BU)", "", DIR, "D:AI(A;OIIOID;FR;;;BU)"),
            ("D:(A;CI;FR;;;BU)", "", DIR, "D:AI(A;CIID;FR;;;BU)"),
            ("D:(A;CI;FR;;;BU)(A;OI;FX;;;WD)", "", FILE, "D:AI(A;ID;FX;;;WD)"),
            ("D:(A;OICI;FR;;;BU)", "", FILE, "D:AI(A;ID;FR;;;BU)"),
            ("D:(A;OICI;FR;;;BU)", "", DIR, "D:AI(A;OICIID;FR;;;BU)"),
            ("D:(A;OINP;FR;;;BU)", "", FILE, "D:AI(A;ID;FR;;;BU)"),
            ("D:(A;OINP;FR;;;BU)(A;CI;FX;;;WD)", "", DIR, "D:AI(A;CIID;FX;;;WD)"),
            ("D:(A;CINP;FR;;;BU)", "", DIR, "D:AI(A;ID;FR;;;BU)"),
            ("D:(A;OICINP;FR;;;BU)", "", DIR, "D:AI(A;ID;FR;;;BU)"),
            // Inherit-only at the parent takes effect at the child.
            ("D:(A;OIIO;FR;;;BU)", "", FILE, "D:AI(A;ID;FR;;;BU)"),
            ("D:(A;CIIO;FR;;;BU)", "", DIR, "D:AI(A;CIID;FR;;;BU)"),
            ("D:(D;OICI;SD;;;WD)(A;OICI;FA;;;BU)", "", FILE, "D:AI(D;ID;SD;;;WD)(A;ID;FA;;;BU)"),
        ],
    );
}

/// MS-DTYP 2.5.3.4: a creator's SID is replaced and generic rights are mapped where the entry takes effect; what is
/// passed on keeps them.
#[test]
fn creators_and_generic_rights() {
    hold(
        &creator(),
        &[
            ("D:(A;OICIIO;GA;;;CO)", "", FILE, "D:AI(A;ID;FA;;;%U)"),
            ("D:(A;OICIIO;GA;;;CO)", "", DIR, "D:AI(A;ID;FA;;;%U)(A;OICIIOID;GA;;;CO)"),
            ("D:(A;OICIIO;FR;;;CG)", "", DIR, "D:AI(A;ID;FR;;;%U)(A;OICIIOID;FR;;;CG)"),
            ("D:(A;OICINPIO;GA;;;CO)", "", DIR, "D:AI(A;ID;FA;;;%U)"),
            ("D:(A;OICI;GR;;;BU)", "", DIR, "D:AI(A;ID;FR;;;BU)(A;OICIIOID;GR;;;BU)"),
            ("D:(A;OIIO;GA;;;CO)", "", DIR, "D:AI(A;OIIOID;GA;;;CO)"),
        ],
    );
}

/// MS-DTYP 2.5.3.4 and "Automatic propagation of inheritable ACEs": what the creator gave stands in front, a protected
/// list stands alone, one that is only a default gives way.
#[test]
fn what_the_creator_gave() {
    let parent = "D:(A;OICI;FR;;;BU)";
    let plain = Child { automatic: false, ..DIR };
    hold(
        &creator(),
        &[
            (parent, "D:(A;;FA;;;%U)", FILE, "D:AI(A;;FA;;;%U)(A;ID;FR;;;BU)"),
            (parent, "D:(A;;GA;;;CO)", FILE, "D:AI(A;;FA;;;%U)(A;ID;FR;;;BU)"),
            (parent, "D:(A;OICI;GA;;;CO)", DIR, "D:AI(A;;FA;;;%U)(A;OICIIO;GA;;;CO)(A;OICIID;FR;;;BU)"),
            (parent, "D:P(A;;FA;;;%U)", FILE, "D:PAI(A;;FA;;;%U)"),
            (parent, "D:P", FILE, "D:PAI"),
            (parent, "D:(A;OICI;FA;;;%U)", plain, "D:(A;OICI;FA;;;%U)"),
            (parent, "", plain, "D:(A;OICI;FR;;;BU)"),
            (parent, "D:NO_ACCESS_CONTROL", FILE, "D:NO_ACCESS_CONTROL"),
            (parent, "D:(A;ID;FA;;;WD)", FILE, "D:AI(A;ID;FR;;;BU)"),
            (parent, "D:(A;OIIO;FA;;;WD)", FILE, "D:AI(A;ID;FR;;;BU)"),
            (parent, "D:(A;ID;FA;;;WD)", plain, "D:(A;ID;FA;;;WD)"),
        ],
    );
}

/// With nothing given and nothing inherited the token's default DACL is used.
#[test]
fn default_lists() {
    let mut creator = creator();
    assert_eq!(lists(&new_object(None, None, &creator, FILE)), "");
    let default = descriptor("D:(A;;GA;;;%U)(A;;GA;;;SY)").dacl;
    creator.default_dacl = default.acl().cloned();
    assert_eq!(lists(&new_object(None, None, &creator, FILE)), "D:(A;;FA;;;%U)(A;;FA;;;SY)");
    let parent = descriptor("D:(A;OI;FR;;;BU)");
    assert_eq!(lists(&new_object(Some(&parent), None, &creator, FILE)), "D:AI(A;ID;FR;;;BU)");
    creator.default_dacl = Some(Acl::default());
    assert_eq!(lists(&new_object(None, None, &creator, FILE)), "D:");
    let made = new_object(None, given("O:BAG:SY").as_ref(), &creator, FILE);
    assert_eq!(made.to_string(), "O:BAG:SYD:");
}

/// "Mandatory integrity control": labels are inherited as other entries; what a low process makes is low.
#[test]
fn labels_of_new_objects() {
    let parent = "D:(A;OICI;FA;;;WD)S:(ML;OICI;NW;;;LW)";
    hold(&creator(), &[(parent, "", DIR, "D:AI(A;OICIID;FA;;;WD)S:AI(ML;OICIID;NW;;;LW)")]);
    hold(
        &token("il=LW").0,
        &[
            ("D:(A;OICI;FA;;;WD)", "", FILE, "D:AI(A;ID;FA;;;WD)S:(ML;;NW;;;LW)"),
            (parent, "", FILE, "D:AI(A;ID;FA;;;WD)S:AI(ML;ID;NW;;;LW)"),
            (
                "D:(A;OICI;FA;;;WD)S:(AU;OISA;GA;;;WD)",
                "",
                FILE,
                "D:AI(A;ID;FA;;;WD)S:AI(ML;;NW;;;LW)(AU;IDSA;FA;;;WD)",
            ),
        ],
    );
}

/// "Automatic propagation of inheritable ACEs".
#[test]
fn changes_of_a_parent_reach_children() {
    let cases = [
        // An entry is added, and taken away again.
        (
            "D:(A;OICI;FR;;;BU)(A;OICI;0x1301bf;;;%P)",
            "D:AI(A;ID;FR;;;BU)",
            FILE,
            "D:AI(A;ID;FR;;;BU)(A;ID;0x1301bf;;;%P)",
        ),
        ("D:(A;OICI;FR;;;BU)", "D:AI(A;ID;FR;;;BU)(A;ID;0x1301bf;;;%P)", FILE, "D:AI(A;ID;FR;;;BU)"),
        ("D:(A;OICI;FR;;;BU)", "D:AI(A;OICIID;FA;;;WD)", DIR, "D:AI(A;OICIID;FR;;;BU)"),
        // Explicit entries are kept, in front.
        ("D:(A;OICI;FR;;;BU)", "D:(A;ID;FX;;;WD)(A;;FA;;;%U)", FILE, "D:AI(A;;FA;;;%U)(A;ID;FR;;;BU)"),
        // A copy that somebody wrote as explicit is not found by undoing the parent.
        ("D:", "D:AI(A;;0x1301bf;;;%P)", FILE, "D:AI(A;;0x1301bf;;;%P)"),
        // Protected lists stay.
        ("D:(A;OICI;FR;;;BU)", "D:P(A;;FA;;;%U)", FILE, "D:P(A;;FA;;;%U)"),
        ("D:(A;OICI;FR;;;BU)", "D:PAI(A;ID;FX;;;WD)", FILE, "D:PAI(A;ID;FX;;;WD)"),
        // So do objects without a list.
        ("D:(A;OICI;FR;;;BU)", "D:NO_ACCESS_CONTROL", FILE, "D:NO_ACCESS_CONTROL"),
        ("D:(A;OICI;FR;;;BU)", "", FILE, ""),
        // Creator owner is the owner of each child.
        ("D:(A;OICIIO;GA;;;CO)", "O:BAD:", FILE, "D:AI(A;ID;FA;;;BA)"),
        ("D:S:(ML;OI;NWNR;;;ME)", "D:S:AI(ML;ID;NW;;;LW)", FILE, "D:AIS:AI(ML;ID;NWNR;;;ME)"),
    ];
    for (parent, child, kind, expected) in cases {
        let child: SecurityDescriptor = filled(child).parse().unwrap();
        let changed = repropagated(&descriptor(parent), &child, kind);
        assert_eq!(lists(&changed), expected, "{parent} over {child}");
        assert_eq!(repropagated(&descriptor(parent), &changed, kind), changed, "twice is once");
    }
}

/// One inheritable entry on a workspace reaches what is made in it, at any depth, and goes with the entry.
#[test]
fn one_entry_on_a_root_reaches_everything_below() {
    let (inside, _) = token("ac");
    let user = creator();
    let without = descriptor("O:%UD:(A;OICI;FA;;;%U)(A;OICI;FA;;;SY)");
    let with = descriptor("O:%UD:(A;OICI;0x1301bf;;;%P)(A;OICI;FA;;;%U)(A;OICI;FA;;;SY)");
    let writes = |object: &SecurityDescriptor| {
        check(&inside, object, ObjectKind::File, request("GRGWSD", false)).unwrap().allowed
    };
    let mut directory = with.clone();
    for _ in 0..5 {
        directory = new_object(Some(&directory), None, &user, DIR);
        assert!(writes(&directory) && writes(&new_object(Some(&directory), None, &user, FILE)));
    }
    // What the sandbox itself makes is owned by the user, who keeps everything.
    let made = new_object(Some(&directory), None, &inside, FILE);
    assert_eq!(made.owner, Some(user.user));
    assert!(writes(&made));
    assert!(check(&user, &made, ObjectKind::File, AccessMask::GENERIC_ALL).unwrap().allowed);
    // The entry goes: nothing of it is left below.
    let cleaned = repropagated(&without, &directory, DIR);
    assert!(!writes(&cleaned) && !writes(&repropagated(&cleaned, &made, FILE)));
    assert!(!cleaned.to_string().contains(&filled("%P")));
}
